import type { Input } from "../../types.ts";
import type { Checkpoint, SimulatedDisk } from "../disk.ts";
import type { Result, SimulatedVoter } from "../voter.ts";
import { ElectionChecks } from "./elections.ts";
import { History } from "./history.ts";
import { LogChecks } from "./log.ts";
import { MembershipChecks } from "./membership.ts";
import { rule } from "./rule.ts";
import { SentChecks } from "./sent.ts";
import { stateOf, type Before, type Step } from "./step.ts";
import { TransferChecks } from "./transfers.ts";

/** Knows the whole history and compares every step of every node with it. */
export class Checks {
  readonly #history = new History();
  readonly #parts: readonly { begins(voter: SimulatedVoter): void; after(step: Step): void }[];
  /** What was committed when a read was asked for. */
  readonly #reads = new Map<number, number>();

  constructor(disks: ReadonlyMap<string, SimulatedDisk>, electionTicks: number) {
    this.#parts = [
      new LogChecks(this.#history, disks),
      new MembershipChecks(this.#history),
      new SentChecks(this.#history),
      new ElectionChecks(this.#history, electionTicks),
      new TransferChecks(electionTicks),
    ];
  }

  get committedIndex(): number {
    return this.#history.committed.length;
  }

  /** Starts, restarts, or comes back as somebody else. */
  begins(voter: SimulatedVoter): void {
    this.#history.begins(voter);
    for (const part of this.#parts) part.begins(voter);
  }

  /** R13: what is sent is what the log says. */
  snapshot({ self }: SimulatedVoter, { last, voters, hash }: Checkpoint): void {
    rule(
      hash === this.#history.hashOf(last.index),
      "R13 Snapshot",
      () => `node ${self.nodeId} sends a state that is not that of entry ${last.index}`,
    );
    const known = this.#history.votersAt(last.index);
    rule(
      voters?.index === known?.index,
      "R13 Snapshot",
      () => `node ${self.nodeId} sends the voters of ${voters?.index} with entry ${last.index}, not of ${known?.index}`,
    );
  }

  readBegins(id: number): void {
    this.#reads.set(id, this.committedIndex);
  }

  before(voter: SimulatedVoter): Before {
    return stateOf(voter);
  }

  after(voter: SimulatedVoter, before: Before, input: Input, { effects, messages }: Result): void {
    const step: Step = { voter, before, input, effects, messages };
    for (const part of this.#parts) part.after(step);
    for (const { id, index } of effects.reads) {
      const atLeast = this.#reads.get(id) ?? Number.NaN;
      rule(
        index === null || index >= atLeast,
        "R14 LinearizableRead",
        () => `node ${voter.self.nodeId} answers read ${id} at ${index}; ${atLeast} was committed when it was asked`,
      );
    }
  }
}
