import { uuidFromBytes } from "@ottla/protocol";
import type { Around } from "../state/decide/context.ts";
import { continueDrains, isDraining } from "../state/decide/drain.ts";
import { sendLeadersHome } from "../state/decide/elections.ts";
import { electLacking, mayElectLacking } from "../state/decide/recovery.ts";
import type { Pump } from "../state/pump.ts";
import type { State } from "../state/state.ts";

const EVERY_MS = 1000;
/** A broker that came back leads again once it has been live for so long. */
const SETTLED_AFTER_MS = 5000;
/** Leaders that go home at a time. */
const HOME_AT_ONCE = 500;
/** Once somebody could lead who may lack records, those that do not, or lack fewer, have so long to come (P21). */
const RECOVERY_WAIT_MS = 10_000;

/** What the leader of the controllers does by itself, from time to time. */
export class Housekeeping {
  readonly #state: State;
  readonly #pump: Pump;
  readonly #around: Around;
  readonly #liveSinceMs: (nodeId: number) => number | null;
  /** Partitions that somebody could lead who may lack records, since when. */
  #waiting = new Map<string, number>();
  #nextMs = 0;

  constructor(o: { state: State; pump: Pump; around: Around; liveSinceMs(nodeId: number): number | null }) {
    this.#state = o.state;
    this.#pump = o.pump;
    this.#around = o.around;
    this.#liveSinceMs = o.liveSinceMs;
  }

  tick(nowMs: number): void {
    this.#recover(nowMs);
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + EVERY_MS;
    this.#sendHome(nowMs);
    if (isDraining(this.#state.brokers.all())) this.#pump.decide((draft) => continueDrains(draft, this.#around));
  }

  lost(): void {
    this.#waiting.clear();
  }

  #sendHome(nowMs: number): void {
    const isSettled = (nodeId: number): boolean => {
      const sinceMs = this.#liveSinceMs(nodeId);
      return sinceMs !== null && sinceMs + SETTLED_AFTER_MS <= nowMs;
    };
    for (const { isr, replicas } of this.#state.topics.partitions.away) {
      const [home] = replicas;
      if (home === undefined || !isr.includes(home) || !isSettled(home)) continue;
      return this.#pump.decide((draft) => void sendLeadersHome(draft, this.#around, isSettled, HOME_AT_ONCE));
    }
  }

  #recover(nowMs: number): void {
    const waiting = new Map<string, number>();
    let due = false;
    for (const partition of this.#state.topics.partitions.leaderless) {
      if (!mayElectLacking(this.#state, this.#around, partition)) continue;
      const key = `${uuidFromBytes(partition.topicId)}-${partition.partition}`;
      const sinceMs = this.#waiting.get(key) ?? nowMs;
      waiting.set(key, sinceMs);
      if (sinceMs + RECOVERY_WAIT_MS <= nowMs) due = true;
    }
    this.#waiting = waiting;
    if (!due) return;
    this.#pump.decide((draft) => {
      for (const partition of [...draft.state.topics.partitions.leaderless]) {
        const sinceMs = waiting.get(`${uuidFromBytes(partition.topicId)}-${partition.partition}`);
        if (sinceMs !== undefined && sinceMs + RECOVERY_WAIT_MS <= nowMs) electLacking(draft, this.#around, partition);
      }
    });
  }
}
