import type { SimulatedVoter } from "../voter.ts";
import { rule } from "./rule.ts";
import type { Step } from "./step.ts";

/** R18. */
export class TransferChecks {
  readonly #electionTicks: number;
  /** Ticks that a transfer of each node has lasted. */
  readonly #running = new Map<number, number>();

  constructor(electionTicks: number) {
    this.#electionTicks = electionTicks;
  }

  begins({ self }: SimulatedVoter): void {
    this.#running.delete(self.nodeId);
  }

  after({ voter, before, input, effects }: Step): void {
    const node = voter.self.nodeId;
    const { transferring, role, term } = voter.raft;
    if (input.kind === "message" && input.message.kind === "timeout-now") {
      const { message } = input;
      const old = message.term < before.term || message.last.index < before.last.index || message.last.term < before.last.term;
      rule(
        !old || role !== "candidate" || before.role === "candidate",
        "R18 TransferEnds",
        () =>
          `node ${node} at ${before.last.index} in term ${before.term} obeys a late request to campaign of term ${message.term}, for a log to ${message.last.index}`,
      );
    }
    rule(!transferring || role === "leader", "R18 TransferEnds", () => `node ${node} hands over in term ${term} as ${role}`);
    if (before.transferring)
      rule(
        effects.persist?.entries.length !== 1 || role !== "leader" || input.kind !== "propose",
        "R18 TransferEnds",
        () => `node ${node} appends while it hands over`,
      );
    if (before.transferring && input.kind === "read")
      rule(
        effects.reads.some(({ index }) => index === null),
        "R18 TransferEnds",
        () => `node ${node} begins a read while it hands over`,
      );
    if (!transferring) return void this.#running.delete(node);
    const ticks = (this.#running.get(node) ?? 0) + (input.kind === "tick" ? 1 : 0);
    this.#running.set(node, ticks);
    rule(ticks <= this.#electionTicks, "R18 TransferEnds", () => `node ${node} has been handing over for ${ticks} ticks`);
  }
}
