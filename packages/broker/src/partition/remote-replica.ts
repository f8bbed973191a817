/** What a follower says of its log. */
export interface Held {
  readonly endOffset: number;
  readonly durableOffset: number;
  readonly startOffset: number;
  /** It has noted that a crash may take what is not durable. */
  readonly relaxed: boolean;
  readonly damaged: boolean;
}

/** What a leader knows of one follower's log, in its own leader epoch and on the follower's present session. */
export class RemoteReplica {
  readonly nodeId: number;
  /** Of the follower's registration. */
  brokerEpoch: number;
  /** A session feeds it. What it reported stays known without one. */
  attached = true;
  held: Held;
  /** It holds all that the leader held at `targetAtMs`. */
  #target: number;
  #targetAtMs: number;
  #caughtUpMs: number;
  #behind = true;

  constructor(nodeId: number, brokerEpoch: number, held: Held, leaderEnd: number, nowMs: number) {
    this.nodeId = nodeId;
    this.brokerEpoch = brokerEpoch;
    this.held = held;
    this.#target = leaderEnd;
    this.#targetAtMs = this.#caughtUpMs = nowMs;
  }

  get endOffset(): number {
    return this.held.endOffset;
  }

  /** `held` is what counts under the flush policy. */
  reached(held: number, leaderEnd: number, nowMs: number): void {
    if (held >= leaderEnd) {
      this.#behind = false;
      return;
    }
    if (!this.#behind) return this.leaderMoved(leaderEnd, nowMs);
    if (held < this.#target) return;
    this.#caughtUpMs = this.#targetAtMs;
    this.#target = leaderEnd;
    this.#targetAtMs = nowMs;
  }

  leaderMoved(leaderEnd: number, nowMs: number): void {
    if (this.#behind) return;
    this.#behind = true;
    this.#target = leaderEnd;
    this.#targetAtMs = this.#caughtUpMs = nowMs;
  }

  /** Since it last held what the leader held at that moment. */
  lagMs(nowMs: number): number {
    return this.#behind ? nowMs - this.#caughtUpMs : 0;
  }
}
