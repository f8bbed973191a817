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
  /** Directories that held up to there, and then less. */
  readonly #wentBack = new Map<string, number>();

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

  goesBack({ self: { directoryId }, disk }: SimulatedVoter): void {
    this.#wentBack.set(directoryId, Math.max(disk.lastIndex, this.#wentBack.get(directoryId) ?? 0));
  }

  /** And does not hold that again. */
  lacks({ self: { directoryId }, disk }: SimulatedVoter): boolean {
    return disk.lastIndex < (this.#wentBack.get(directoryId) ?? 0);
  }

  /** The voter's disk holds everything committed. */
  holdsCommitted({ disk }: SimulatedVoter): boolean {
    const index = this.committedIndex;
    const entry = disk.at(index);
    if (entry === undefined) return disk.checkpoint.last.index >= index;
    return this.#history.prefix(entry) === this.#history.hashOf(index);
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

  /** The committed entries that its disk holds, by their indexes. */
  held({ disk }: SimulatedVoter): readonly number[] {
    const { committed } = this.#history;
    return committed.flatMap((_, i) => {
      const entry = disk.at(i + 1);
      return entry !== undefined && this.#history.prefix(entry) === committed[i]?.hash ? [i + 1] : [];
    });
  }

  /** R13: a snapshot took the place of what was held, and nothing else did. */
  installed({ self, disk }: SimulatedVoter, held: readonly number[]): void {
    const { index } = disk.checkpoint.last;
    for (const at of held)
      rule(
        at <= index || disk.at(at) !== undefined,
        "R13 Snapshot",
        () => `node ${self.nodeId} installs a snapshot up to ${index} over committed entry ${at}`,
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
    const { suspended } = effects;
    rule(
      suspended === null || this.#wentBack.has(suspended.voter.directoryId),
      "R16 Identity",
      () => `node ${voter.self.nodeId} suspends ${suspended?.voter.nodeId}, whose disk holds all that it acknowledged`,
    );
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
