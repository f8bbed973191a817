import type { Clock, Logger, Timer } from "@ottla/host";
import { pb } from "@ottla/protocol";
import type { LogPosition, Voter } from "../../raft/index.ts";
import { Receiving } from "./receiving.ts";
import { Sending } from "./sending.ts";
import type { SnapshotSink, SnapshotSource } from "./types.ts";

/** After a failure: the core asks for another snapshot at once. */
const RETRY_MS = 1000;

export interface SnapshotsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly source: () => SnapshotSource;
  readonly sink: SnapshotSink;
  /** Of this node now. */
  term(): number;
  send(to: Voter, bytes: Uint8Array): void;
  /** The peer has it, or will not get it. */
  onEnded(nodeId: number): void;
  /** One has come and is verified. */
  onComplete(last: LogPosition): void;
}

/** Snapshots on their way to others, and the one that comes from the leader. */
export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #sending = new Map<number, Sending>();
  readonly #retries = new Map<number, Timer>();
  readonly #receiving: Receiving;
  #sent = 0;
  #received = 0;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
    this.#receiving = new Receiving({
      sink: options.sink,
      logger: options.logger,
      reply: (to, reply) => {
        options.send(to, pb.RaftMessage.encode({ term: options.term(), message: { case: "snapshotReply", value: reply } }));
      },
      onComplete: (last) => {
        this.#received++;
        options.onComplete(last);
      },
    });
  }

  get sentCount(): number {
    return this.#sent;
  }
  get receivedCount(): number {
    return this.#received;
  }

  /** Entries after it are needed once a snapshot has arrived. */
  get lowestOnItsWay(): number {
    let lowest = Number.MAX_SAFE_INTEGER;
    for (const sending of this.#sending.values()) lowest = Math.min(lowest, sending.lastIndex);
    return lowest;
  }

  send(peer: Voter): void {
    const { clock, logger } = this.#options;
    this.#sending.get(peer.nodeId)?.end("it begins anew");
    this.#retries.get(peer.nodeId)?.cancel();
    const source = this.#options.source();
    logger.info(
      { controller: peer.nodeId, index: source.last.index },
      `sending controller ${peer.nodeId} the state up to entry ${source.last.index}`,
    );
    const sending: Sending = new Sending({
      clock,
      peer,
      term: this.#options.term(),
      source,
      send: (bytes) => this.#options.send(peer, bytes),
      onEnd: (failure) => {
        if (this.#sending.get(peer.nodeId) === sending) this.#sending.delete(peer.nodeId);
        if (failure === null) this.#sent++;
        logger.info(
          { controller: peer.nodeId, index: source.last.index, bytes: sending.sentBytes, failure },
          failure === null ? `controller ${peer.nodeId} has the state` : `controller ${peer.nodeId} did not get the state: ${failure}`,
        );
        if (failure === null) this.#options.onEnded(peer.nodeId);
        else
          this.#retries.set(
            peer.nodeId,
            clock.after(RETRY_MS, () => this.#options.onEnded(peer.nodeId)),
          );
      },
    });
    this.#sending.set(peer.nodeId, sending);
  }

  /** @throws ProtocolError for what cannot be read */
  receive(from: Voter, message: pb.RaftMessage["message"], fromLeader: boolean): void {
    if (message.case === "snapshotReply") {
      const sending = this.#sending.get(from.nodeId);
      if (sending?.peer.directoryId === from.directoryId) sending.acknowledged(message.value);
    } else if (message.case === "snapshotChunk" && fromLeader) this.#receiving.take(from, message.value);
  }

  broken(nodeId: number): void {
    this.#sending.get(nodeId)?.end("the connection broke");
  }

  /** What this node sends, it sends as the leader. */
  lost(): void {
    for (const sending of this.#sending.values()) sending.end("this node no longer leads");
  }

  async stop(): Promise<void> {
    this.lost();
    for (const timer of this.#retries.values()) timer.cancel();
    await this.#receiving.stop();
  }
}
