import type { pb } from "@ottla/protocol";
import type { Around } from "../state/decide/context.ts";
import { hasSuccessors, moveLeadersAway } from "../state/decide/elections.ts";
import { writeEvent } from "../state/decide/event.ts";
import type { Pump } from "../state/pump.ts";
import type { State } from "../state/state.ts";

/** A disk whose free space wavers about the limit must not move leaders to and fro. */
const FORGOTTEN_AFTER_MS = 5000;
/** Who can take over may come later; and a decision that was not taken is taken again. */
const AGAIN_MS = 1000;

interface Low {
  readonly untilMs: number;
  readonly report: pb.LowSpace;
  told: boolean;
}

/** Brokers that refuse to append because their disk is nearly full: others lead what they led, and they lead again once there is space. They stay in
 * sync for as long as they have room for what the leaders send. */
export class LowSpace {
  readonly #state: State;
  readonly #pump: Pump;
  readonly #around: () => Around;
  readonly #low = new Map<number, Low>();
  #nextMs = 0;

  constructor(o: { state: State; pump: Pump; around(): Around }) {
    this.#state = o.state;
    this.#pump = o.pump;
    this.#around = o.around;
  }

  has(nodeId: number): boolean {
    return this.#low.has(nodeId);
  }

  /** With every message of a live broker.
   * @param report what it says of its disk; undefined: there is space */
  heard(nodeId: number, report: pb.LowSpace | undefined, nowMs: number): void {
    if (report === undefined) return;
    const known = this.#low.get(nodeId);
    this.#low.set(nodeId, { report, untilMs: nowMs + FORGOTTEN_AFTER_MS, told: known?.told ?? false });
    if (!known) this.#moveAway(nodeId);
  }

  tick(nowMs: number): void {
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + AGAIN_MS;
    for (const [nodeId, { untilMs, told }] of [...this.#low]) {
      if (nowMs < untilMs) {
        if (!told || hasSuccessors(this.#state, this.#around(), nodeId)) this.#moveAway(nodeId);
        continue;
      }
      this.#low.delete(nodeId);
      if (this.#state.brokers.get(nodeId)?.fenced === false)
        this.#pump.decide((draft) =>
          writeEvent(draft, "space", { nodeId }, `The disk of broker ${nodeId} has space again: it may lead as before`),
        );
    }
  }

  clear(): void {
    this.#low.clear();
  }

  #moveAway(nodeId: number): void {
    this.#pump.decide((draft) => {
      const low = this.#low.get(nodeId);
      if (!low) return;
      const { freeBytes, limitBytes } = low.report;
      const why = `the disk of broker ${nodeId} has ${freeBytes} bytes free, log.min.free.bytes keeps ${limitBytes}`;
      if (!low.told) writeEvent(draft, "space", { nodeId }, `Broker ${nodeId} takes no records of clients: ${why}`);
      low.told = true;
      moveLeadersAway(draft, this.#around(), nodeId, why);
    });
  }
}
