import type { Clock, Logger, Timer } from "@ottla/host";
import type { Effects } from "../raft/index.ts";
import type { Engine } from "./engine.ts";

/** A leader whose own disk takes longer leaves, if another can lead. */
const SLOW_WRITE_MS = 1000;
const BETWEEN_ATTEMPTS_MS = 10_000;

/** Leadership that is handed over: at a stop that is planned, and when this node's disk is slow. */
export class Transfers {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #engine: Engine;
  readonly #electionTimeoutMs: number;
  readonly #isReached: (nodeId: number) => boolean;
  #waiting: (() => void)[] = [];
  #nextAttemptMs = 0;

  constructor(clock: Clock, logger: Logger, engine: Engine, electionTimeoutMs: number, isReached: (nodeId: number) => boolean) {
    this.#clock = clock;
    this.#logger = logger;
    this.#engine = engine;
    this.#electionTimeoutMs = electionTimeoutMs;
    this.#isReached = isReached;
  }

  async begin(signal: AbortSignal, to: number | null): Promise<boolean> {
    const { raft, proposals } = this.#engine;
    if (this.#engine.ended || raft.role !== "leader" || this.#isAlone) return false;
    proposals.flush();
    let timer: Timer | null = null;
    const ended = new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      timer = this.#clock.after(this.#electionTimeoutMs, resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    this.#engine.step({ kind: "transfer", to });
    await ended;
    (timer as Timer | null)?.cancel();
    return this.#ledByAnother;
  }

  stepped({ transferUndone }: Effects): void {
    if (this.#waiting.length === 0 || (!transferUndone && !this.#ledByAnother)) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** The connection with a peer is gone. When all stop at once the last one has nobody to wait for. */
  broken(): void {
    if (this.#waiting.length > 0 && this.#isAlone) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  leaveSlowDisk(): void {
    const { raft, writer } = this.#engine;
    if (raft.role !== "leader" || raft.transferring || raft.followers.length === 0) return;
    const waitedMs = writer.waitingMs;
    const nowMs = this.#clock.monotonicMs();
    if (waitedMs < SLOW_WRITE_MS || nowMs < this.#nextAttemptMs) return;
    this.#nextAttemptMs = nowMs + BETWEEN_ATTEMPTS_MS;
    this.#logger.warn({ waitedMs: Math.round(waitedMs) }, "the controller's disk is slow: handing leadership to another controller");
    this.#engine.proposals.flush();
    this.#engine.step({ kind: "transfer", to: null });
  }

  get #isAlone(): boolean {
    return this.#engine.raft.voters?.voters.some(({ nodeId }) => this.#isReached(nodeId)) !== true;
  }

  get #ledByAnother(): boolean {
    const { role, leader } = this.#engine.raft;
    return role !== "leader" && leader !== null;
  }
}
