import type { SimulatedDisk } from "../disk.ts";
import type { SimulatedVoter } from "../voter.ts";
import type { History } from "./history.ts";
import { rule } from "./rule.ts";
import type { Step } from "./step.ts";

/** R2, R3, R5, R6, R7, R11, R12. */
export class LogChecks {
  readonly #history: History;
  readonly #disks: ReadonlyMap<string, SimulatedDisk>;

  constructor(history: History, disks: ReadonlyMap<string, SimulatedDisk>) {
    this.#history = history;
    this.#disks = disks;
  }

  begins(voter: SimulatedVoter): void {
    const { nodeId } = voter.self;
    const { commitIndex, lastIndex } = voter.raft;
    const { index, hash } = voter.applied;
    rule(commitIndex <= lastIndex, "R11 ApplyOrder", () => `node ${nodeId} restarts with a log to ${lastIndex}, applied to ${commitIndex}`);
    rule(
      index === commitIndex && hash === this.#history.hashOf(index),
      "R11 ApplyOrder",
      () => `node ${nodeId} restarts with a state that is not that of entry ${index}`,
    );
  }

  after(step: Step): void {
    const { persist } = step.effects;
    if (persist !== null) this.#written(step, persist);
    this.#committed(step);
  }

  #written({ voter, before }: Step, { truncateFrom, entries }: NonNullable<Step["effects"]["persist"]>): void {
    const node = voter.self.nodeId;
    const { role, term } = voter.raft;
    if (truncateFrom !== null) {
      rule(
        before.role !== "leader" || role !== "leader" || before.term !== term,
        "R2 LeaderAppendOnly",
        () => `node ${node} cuts its log at ${truncateFrom} as a leader`,
      );
      rule(
        truncateFrom > before.commitIndex,
        "R12 NoHoleNoGhost",
        () => `node ${node} cuts at ${truncateFrom}, committed to ${before.commitIndex}`,
      );
      this.#history.hashes(node).length = truncateFrom;
    }
    this.#history.written(voter.self, entries);
  }

  #committed({ voter, before, effects }: Step): void {
    const { term, commitIndex, lastIndex } = voter.raft;
    const node = voter.self.nodeId;
    const { committed: history } = this.#history;
    rule(
      commitIndex >= before.commitIndex && commitIndex <= lastIndex,
      "R11 ApplyOrder",
      () => `node ${node} commits ${commitIndex} after ${before.commitIndex}, log to ${lastIndex}`,
    );
    if (commitIndex > before.commitIndex) {
      const hashes = this.#history.hashes(node);
      if (before.role === "leader" && before.term === term) this.#byCounting(voter, before.term);
      for (let index = before.commitIndex + 1; index <= commitIndex; index++) {
        const hash = hashes[index];
        rule(hash !== undefined, "R11 ApplyOrder", () => `node ${node} commits ${index}, which it does not hold`);
        const known = history[index - 1];
        rule(
          known === undefined || known.hash === hash,
          "R5 StateMachineSafety",
          () => `node ${node} commits another entry ${index} than somebody before`,
        );
        const entry = known === undefined ? voter.disk.seen(index) : undefined;
        if (entry !== undefined) history.push({ term: entry.term, hash, inTerm: term, voters: entry.voters });
      }
    }
    const { index, hash } = voter.applied;
    if (index === before.appliedIndex) return;
    rule(
      hash === this.#history.hashOf(index),
      "R5 StateMachineSafety",
      () => `node ${node} has another state after entry ${index} than somebody before`,
    );
    rule(index <= commitIndex, "R11 ApplyOrder", () => `node ${node} applies ${index}, committed to ${commitIndex}`);
    const from = effects.committed?.from ?? before.appliedIndex + 1;
    rule(from === before.appliedIndex + 1, "R11 ApplyOrder", () => `node ${node} hands out from ${from} on after ${before.appliedIndex}`);
  }

  #byCounting({ self, raft }: SimulatedVoter, term: number): void {
    const { commitIndex } = raft;
    const entryTerm = raft.termAt(commitIndex);
    rule(entryTerm === term, "R7 OwnTermCommit", () => `node ${self.nodeId} commits ${commitIndex} of term ${entryTerm} in term ${term}`);
    const set = raft.voters?.voters ?? [];
    const hash = this.#history.hashes(self.nodeId)[commitIndex];
    let holders = 0;
    for (const { directoryId } of set) {
      const disk = this.#disks.get(directoryId);
      const entry = disk?.at(commitIndex);
      const holds = entry === undefined ? (disk?.checkpoint.last.index ?? 0) >= commitIndex : this.#history.prefix(entry) === hash;
      if (holds) holders++;
    }
    rule(
      holders * 2 > set.length,
      "R6 CommitDurable",
      () => `node ${self.nodeId} commits ${commitIndex}, which ${holders} of ${set.length} voters have on disk`,
    );
  }
}
