import type { Clock, Timer } from "@ottla/host";
import { pb } from "@ottla/protocol";
import { DIGEST_BYTES } from "../../state/digest.ts";
import type { Voter } from "../../raft/index.ts";
import { packFacts } from "./facts.ts";
import type { SnapshotSource } from "./types.ts";

const CHUNK_BYTES = 512 << 10;
/** For one chunk to be stored, and for the last one to be verified as a whole. */
const REPLY_TIMEOUT_MS = 30_000;

export interface SendingOptions {
  readonly clock: Clock;
  readonly peer: Voter;
  readonly term: number;
  readonly source: SnapshotSource;
  send(bytes: Uint8Array): void;
  /** Well, or not: then it says why. */
  onEnd(failure: string | null): void;
}

/** A snapshot on its way to one peer: a chunk, its acknowledgement, the next chunk. */
export class Sending {
  readonly #options: SendingOptions;
  readonly #facts: Iterator<Uint8Array>;
  #next: Uint8Array | null;
  #position = 0;
  #sent = 0;
  #done = false;
  #timer: Timer | null = null;

  constructor(options: SendingOptions) {
    this.#options = options;
    this.#facts = options.source.facts[Symbol.iterator]();
    this.#next = this.#take();
    this.#sendChunk();
  }

  get peer(): Voter {
    return this.#options.peer;
  }
  get lastIndex(): number {
    return this.#options.source.last.index;
  }
  get sentBytes(): number {
    return this.#sent;
  }

  acknowledged({ lastIndex, received, done, refused }: pb.SnapshotReply): void {
    if (this.#done || lastIndex !== this.lastIndex) return;
    if (refused !== "") return this.end(refused);
    if (received !== this.#sent) return;
    if (done) return this.end(null);
    this.#position = received;
    this.#sendChunk();
  }

  end(failure: string | null): void {
    if (this.#done) return;
    this.#done = true;
    this.#timer?.cancel();
    this.#options.onEnd(failure);
  }

  #sendChunk(): void {
    const { clock, term, source } = this.#options;
    const facts: Uint8Array[] = [];
    let bytes = this.#position === 0 ? DIGEST_BYTES : 0;
    for (; this.#next !== null && bytes < CHUNK_BYTES; this.#next = this.#take()) {
      facts.push(this.#next);
      bytes += this.#next.length;
    }
    const data = packFacts(this.#position === 0 ? source.digest : null, facts);
    this.#sent = this.#position + data.length;
    const { index: lastIndex, term: lastTerm } = source.last;
    const chunk: pb.SnapshotChunk = pb.SnapshotChunk.create({
      lastIndex,
      lastTerm,
      position: this.#position,
      data,
      done: this.#next === null,
    });
    this.#options.send(pb.RaftMessage.encode({ term, message: { case: "snapshotChunk", value: chunk } }));
    this.#timer?.cancel();
    this.#timer = clock.after(REPLY_TIMEOUT_MS, () => this.end(`no acknowledgement within ${REPLY_TIMEOUT_MS} ms`));
  }

  #take(): Uint8Array | null {
    const { done, value } = this.#facts.next();
    return done === true ? null : value;
  }
}
