import { ProtocolError } from "@ottla/protocol";
import type { InSync } from "./in-sync.ts";
import type { Replica } from "./replica.ts";

interface Waiting {
  readonly offset: number;
  settle(refusal: ProtocolError | null): void;
}

/** Deletions of records that wait until no replica that is there, or may come to lead, shows the records any more. */
export class Deletions {
  readonly #replica: Replica;
  readonly #inSync: InSync;
  #waiting: Waiting[] = [];

  constructor(replica: Replica, inSync: InSync) {
    this.#replica = replica;
    this.#inSync = inSync;
  }

  /** Resolves, never rejects: null once all logs begin at `offset` or behind it, durably; else why that is not known. */
  everywhere(offset: number, timeoutMs: number): Promise<ProtocolError | null> {
    const { timeouts } = this.#replica.around;
    if (this.#isDone(offset)) return Promise.resolve(null);
    return new Promise((resolve) => {
      const waiting: Waiting = {
        offset,
        settle: (refusal) => {
          timer.cancel();
          this.#waiting = this.#waiting.filter((other) => other !== waiting);
          resolve(refusal);
        },
      };
      const timer = timeouts.after(timeoutMs, () => waiting.settle(this.#timedOut(offset, timeoutMs)));
      this.#waiting.push(waiting);
    });
  }

  /** A log's start has moved, or other replicas count. */
  review(): void {
    for (const waiting of this.#waiting) if (this.#isDone(waiting.offset)) waiting.settle(null);
  }

  fail(error: ProtocolError): void {
    for (const waiting of this.#waiting) waiting.settle(error);
  }

  #isDone(offset: number): boolean {
    return this.#replica.log.durableStart >= offset && this.#inSync.startingBefore(offset).length === 0;
  }

  #timedOut(offset: number, timeoutMs: number): ProtocolError {
    const behind = this.#inSync.startingBefore(offset);
    return new ProtocolError(
      "REQUEST_TIMED_OUT",
      `The records of ${this.#replica.name} below offset ${offset} are deleted at its leader, but not yet at brokers ${behind.join(", ")} within ${timeoutMs} ms: delete them again once those are in sync or have left the replicas`,
    );
  }
}
