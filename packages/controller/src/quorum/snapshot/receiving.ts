import type { Logger } from "@ottla/host";
import { ProtocolError, type pb } from "@ottla/protocol";
import type { LogPosition, Voter } from "../../raft/index.ts";
import { unpackFacts } from "./facts.ts";
import type { SnapshotSink } from "./types.ts";

/** A leader sends the next chunk once this one is acknowledged; more than a few at a time come from a confused peer. */
const MAX_WAITING_CHUNKS = 4;

export interface ReceivingOptions {
  readonly sink: SnapshotSink;
  readonly logger: Logger;
  reply(to: Voter, reply: pb.SnapshotReply): void;
  /** It is durable and verified. */
  onComplete(last: LogPosition, from: Voter): void;
}

/** Builds the snapshot that the leader sends, chunk by chunk. */
export class Receiving {
  readonly #options: ReceivingOptions;
  #current: { readonly from: Voter; readonly last: LogPosition; received: number } | null = null;
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  #stopped = false;

  constructor(options: ReceivingOptions) {
    this.#options = options;
  }

  /** @throws ProtocolError for a chunk that cannot be read */
  take(from: Voter, chunk: pb.SnapshotChunk): void {
    const { digest, facts } = unpackFacts(chunk.data, chunk.position === 0);
    if (this.#stopped || this.#waiting >= MAX_WAITING_CHUNKS) return;
    this.#waiting++;
    this.#work = this.#work
      .then(() => this.#store(from, chunk, digest, facts))
      .catch((error: unknown) => this.#refuse(from, chunk, error instanceof Error ? error : new Error(String(error))))
      .finally(() => this.#waiting--);
  }

  /** Resolves once nothing is written any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#work;
  }

  async #store(from: Voter, chunk: pb.SnapshotChunk, digest: Uint8Array | null, facts: readonly Uint8Array[]): Promise<void> {
    if (this.#stopped) return;
    const { sink, logger } = this.#options;
    const { lastIndex, lastTerm, position } = chunk;
    const last = { index: lastIndex, term: lastTerm };
    if (digest !== null) {
      logger.info(
        { leader: from.nodeId, index: lastIndex },
        `controller ${from.nodeId} sends its state up to entry ${lastIndex}: the entries before it are gone`,
      );
      await sink.begin(last, digest);
      this.#current = { from, last, received: 0 };
    }
    const current = this.#current;
    if (
      current === null ||
      current.last.index !== lastIndex ||
      current.from.directoryId !== from.directoryId ||
      current.received !== position
    )
      throw new ProtocolError("INVALID_REQUEST", `byte ${position} of snapshot ${lastIndex} does not follow what is here`);
    await sink.add(facts);
    current.received += chunk.data.length;
    if (chunk.done) {
      this.#current = null;
      await sink.finish();
    }
    if (this.#stopped) return;
    this.#options.reply(from, { lastIndex, received: current.received, done: chunk.done, refused: "" });
    if (chunk.done) this.#options.onComplete(last, from);
  }

  #refuse(from: Voter, { lastIndex }: pb.SnapshotChunk, error: Error): void {
    this.#current = null;
    if (this.#stopped) return;
    this.#options.logger.warn(
      { leader: from.nodeId, index: lastIndex, error },
      "cannot take the state that the leader of the controllers sends",
    );
    this.#options.reply(from, { lastIndex, received: 0, done: false, refused: error.message });
  }
}
