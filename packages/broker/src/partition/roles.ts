import { type pb, ProtocolError } from "@ottla/protocol";
import { Follower } from "./follower.ts";
import { Leader } from "./leader.ts";
import type { Replica } from "./replica.ts";

/** Which role a replica has: leader, follower, or none while the cluster has no use for it. A role ends at once; the next one begins when the
 * log is free for it. */
export class Roles {
  readonly #replica: Replica;
  readonly #onFailed: () => void;
  #role: Leader | Follower | null = null;
  /** The role that is due once the former one has let go of the log. */
  #due: (() => void) | null = null;
  /** What a former role had begun to do to the log. */
  #working: Promise<void> = Promise.resolve();
  #closed = false;

  /** @param onFailed what the log holds must be read again */
  constructor(replica: Replica, onFailed: () => void) {
    this.#replica = replica;
    this.#onFailed = onFailed;
  }

  get present(): Leader | Follower | null {
    return this.#role;
  }

  get leader(): Leader | null {
    return this.#role instanceof Leader ? this.#role : null;
  }

  /** A follower changes the log otherwise than by appending. */
  get busy(): Promise<void> | null {
    return this.#role instanceof Follower ? this.#role.busy : null;
  }

  /** The image says that this very process leads. */
  lead(record: pb.PartitionRecord): void {
    if (this.#role instanceof Leader && this.#role.epoch === record.leaderEpoch && this.#due === null) return this.#role.update(record);
    this.#become(() => {
      this.#role = new Leader(this.#replica, record);
      this.#replica.around.peers.changed([]);
      this.#replica.notify();
    });
  }

  /** Another replica leads, and this one follows it.
   * @param suspect what its log has lost may be taken from the others: it counts neither as in sync nor as eligible */
  follow(record: pb.PartitionRecord, suspect: boolean): void {
    const { leader, leaderEpoch } = record;
    if (this.#role instanceof Follower && this.#role.leader === leader && this.#role.epoch === leaderEpoch && this.#due === null)
      return this.#role.update(suspect);
    this.#become(() => {
      const follower = new Follower(this.#replica, record, this.#onFailed);
      this.#role = follower;
      follower.start(suspect);
    });
  }

  /** Nobody leads, as far as is known. */
  resign(): void {
    if (this.#role !== null || this.#due !== null) this.#become(() => {});
  }

  /** For good. */
  close(reason: ProtocolError): void {
    this.#closed = true;
    this.#due = null;
    this.#leave(reason);
  }

  /** Resolves once no former role works on the log any more. */
  released(): Promise<void> {
    return this.#working;
  }

  #become(next: () => void): void {
    if (this.#closed) return;
    const waiting = this.#due !== null;
    this.#due = next;
    if (waiting) return;
    const busy = this.busy ?? this.#unwritten();
    this.#leave(
      new ProtocolError(
        "NOT_LEADER_OR_FOLLOWER",
        `${this.#replica.name} is no longer led by node ${this.#replica.around.nodeId} in the epoch of the append: whether the batch survives is not known`,
      ),
    );
    const begin = (): void => {
      const due = this.#due;
      this.#due = null;
      due?.();
    };
    if (busy === null) begin();
    else void busy.then(begin);
  }

  /** What the disk may still take back is no part of the log with which an epoch begins: a follower that holds it would count for what comes in its place. */
  #unwritten(): Promise<void> | null {
    const { log } = this.#replica;
    return log.failure === null && log.writtenOffset < log.endOffset ? log.written(log.endOffset).catch(() => {}) : null;
  }

  #leave(reason: ProtocolError): void {
    const role = this.#role;
    this.#working = this.busy ?? this.#working;
    this.#role = null;
    if (role instanceof Leader) role.end(reason);
    else role?.end();
    this.#replica.notify();
  }
}
