import type { Voter, Voters, VoterSet } from "../../types.ts";
import { includes } from "../../voter-sets.ts";
import type { SimulatedVoter } from "../voter.ts";
import type { History } from "./history.ts";
import { rule } from "./rule.ts";
import type { Step } from "./step.ts";

/** R15, and R16 for what leaders count. */
export class MembershipChecks {
  readonly #history: History;
  /** The sets of each node's log, as handed to its disk. */
  readonly #sets = new Map<number, VoterSet[]>();

  constructor(history: History) {
    this.#history = history;
  }

  begins({ self, disk, raft }: SimulatedVoter): void {
    const { last, voters } = disk.checkpoint;
    const known = this.#history.votersAt(last.index);
    rule(
      voters?.index === known?.index,
      "R13 Snapshot",
      () => `node ${self.nodeId} restarts at ${last.index} with the voters of ${voters?.index}, not of ${known?.index}`,
    );
    const sets = voters === null ? [] : [voters];
    for (let index = last.index + 1; index <= disk.lastIndex; index++) {
      const set = disk.at(index)?.voters ?? null;
      if (set !== null) sets.push({ index, voters: set });
    }
    this.#sets.set(self.nodeId, sets);
    this.#rules(self, raft.voters);
  }

  after(step: Step): void {
    const { voter, before, input, effects } = step;
    const sets = this.#sets.get(voter.self.nodeId) ?? [];
    const { persist } = effects;
    if (persist !== null) {
      const cut = persist.truncateFrom;
      while (cut !== null && (sets.at(-1)?.index ?? 0) >= cut) sets.pop();
      for (const { index, voters } of persist.entries) {
        if (voters === null) continue;
        if (voter.raft.role === "leader" || before.role === "leader") this.#mayChange(step, sets.at(-1) ?? null, voters);
        sets.push({ index, voters });
      }
      this.#rules(voter.self, voter.raft.voters);
    }
    if (input.kind === "message") this.#mayCount(step, input.from);
  }

  #rules({ nodeId }: Voter, set: VoterSet | null): void {
    const newest = this.#sets.get(nodeId)?.at(-1) ?? null;
    rule(
      newest?.index === set?.index,
      "R15 ConfigChange",
      () => `node ${nodeId} goes by the voters of entry ${set?.index}, its log says ${newest?.index}`,
    );
  }

  #mayChange({ voter, before }: Step, previous: VoterSet | null, voters: Voters): void {
    const node = voter.self.nodeId;
    if (previous === null) {
      rule(voter.raft.lastIndex === 1, "R15 ConfigChange", () => `node ${node} founds with a log to ${voter.raft.lastIndex}`);
      return;
    }
    rule(
      previous.index <= before.commitIndex,
      "R15 ConfigChange",
      () => `node ${node} changes the voters while entry ${previous.index}, the change before, is not committed`,
    );
    const committed = this.#history.committed[before.commitIndex - 1];
    rule(
      committed?.term === before.term,
      "R15 ConfigChange",
      () => `node ${node} changes the voters before it committed an entry of its term ${before.term}`,
    );
    rule(
      intersect(previous.voters, voters),
      "R15 ConfigChange",
      () => `node ${node} makes a set of ${voters.length} voters with a majority apart from one of the ${previous.voters.length} before`,
    );
  }

  #mayCount({ voter, before, input, effects }: Step, from: Voter): void {
    if (input.kind !== "message" || !input.message.kind.endsWith("-reply") || input.message.term > before.term) return;
    if (includes(before.voters?.voters ?? [], from)) return;
    const { role, commitIndex } = voter.raft;
    const answered = effects.reads.some(({ index }) => index !== null);
    rule(
      commitIndex === before.commitIndex && !answered && (before.voters === null || role === before.role),
      "R16 Identity",
      () => `node ${voter.self.nodeId} counts ${input.message.kind} of ${from.nodeId} (${from.directoryId}), which is no voter`,
    );
  }
}

/** Whether every majority of one set has a voter of every majority of the other. */
function intersect(a: Voters, b: Voters): boolean {
  const common = a.filter((voter) => includes(b, voter)).length;
  const fromCommon = (set: Voters): number => Math.max(0, Math.floor(set.length / 2) + 1 - (set.length - common));
  return fromCommon(a) + fromCommon(b) > common;
}
