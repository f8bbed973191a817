import type { Voter } from "../../types.ts";
import { includes, isSame } from "../../voter-sets.ts";
import type { SimulatedVoter } from "../voter.ts";
import type { History } from "./history.ts";
import { rule } from "./rule.ts";
import type { Step } from "./step.ts";

/** R1, R4, R8, R10, R16 for votes, R17. */
export class ElectionChecks {
  readonly #history: History;
  readonly #electionTicks: number;
  readonly #leaderOf = new Map<number, number>();
  /** term -> candidate -> who told it a vote. */
  readonly #granted = new Map<number, Map<number, Voter[]>>();
  /** Own ticks of a leader at which it last heard from each voter, by directory. */
  readonly #heard = new Map<number, { readonly term: number; readonly at: Map<string, number> }>();

  constructor(history: History, electionTicks: number) {
    this.#history = history;
    this.#electionTicks = electionTicks;
  }

  begins({ self }: SimulatedVoter): void {
    this.#heard.delete(self.nodeId);
  }

  after(step: Step): void {
    const { voter, before, messages } = step;
    const { role, term, votedFor } = voter.raft;
    const node = voter.self.nodeId;
    rule(term >= before.term, "R9 PersistBeforeReply", () => `node ${node} goes from term ${before.term} back to ${term}`);
    const changed = term > before.term || !(votedFor === null ? before.votedFor === null : isSame(before.votedFor, votedFor));
    if (changed) this.#vote(step, votedFor);
    for (const { to, message } of messages) {
      if (message.kind === "vote-reply" && message.granted && !message.preVote) this.#tells(voter, to, message.term);
      if (message.kind === "vote-request" && !message.preVote) this.#tells(voter, voter.self, message.term);
    }
    if (role !== "leader") return;
    if (before.role !== "leader" || before.term !== term) this.#leads(voter);
    this.#mayLead(step);
  }

  #vote({ voter, before, input }: Step, votedFor: Voter | null): void {
    const node = voter.self.nodeId;
    const { term } = voter.raft;
    rule(
      term > before.term || before.votedFor === null,
      "R8 VoteOnce",
      () => `node ${node} changes its vote in term ${term} from ${before.votedFor?.nodeId} to ${votedFor?.nodeId}`,
    );
    if (votedFor === null || isSame(votedFor, voter.self)) return;
    const last = input.kind === "message" && input.message.kind === "vote-request" ? input.message.last : null;
    rule(last !== null, "R8 VoteOnce", () => `node ${node} votes for ${votedFor.nodeId} without being asked`);
    const own = before.last;
    const upToDate = last.term > own.term || (last.term === own.term && last.index >= own.index);
    rule(
      upToDate,
      "R10 UpToDateVote",
      () => `node ${node} at ${own.index}/${own.term} votes for ${votedFor.nodeId} at ${last.index}/${last.term}`,
    );
  }

  #tells({ self, disk }: SimulatedVoter, candidate: Voter, term: number): void {
    const onDisk = disk.term > term || (disk.term === term && isSame(disk.votedFor, candidate));
    rule(
      onDisk,
      "R8 VoteOnce",
      () =>
        `node ${self.nodeId} tells its vote for ${candidate.nodeId} in term ${term}; on its disk is term ${disk.term}, vote ${disk.votedFor?.nodeId}`,
    );
    let votes = this.#granted.get(term);
    if (votes === undefined) this.#granted.set(term, (votes = new Map()));
    for (const [other, voters] of votes)
      rule(
        other === candidate.nodeId || !includes(voters, self),
        "R8 VoteOnce",
        () => `node ${self.nodeId} votes for ${other} and ${candidate.nodeId} in term ${term}`,
      );
    const voters = votes.get(candidate.nodeId);
    if (voters === undefined) votes.set(candidate.nodeId, [self]);
    else if (!includes(voters, self)) voters.push(self);
  }

  #leads(voter: SimulatedVoter): void {
    const { term, commitIndex, lastIndex } = voter.raft;
    const node = voter.self.nodeId;
    const known = this.#leaderOf.get(term) ?? node;
    rule(known === node, "R1 ElectionSafety", () => `nodes ${known} and ${node} both lead term ${term}`);
    this.#leaderOf.set(term, node);
    const hashes = this.#history.hashes(node);
    for (const [i, entry] of this.#history.committed.entries())
      if (entry.inTerm < term)
        rule(
          hashes[i + 1] === entry.hash,
          "R4 LeaderCompleteness",
          () => `node ${node} leads term ${term} without committed entry ${i + 1}`,
        );
    rule(commitIndex <= lastIndex, "R11 ApplyOrder", () => `node ${node} committed ${commitIndex} of ${lastIndex}`);
    const set = voter.raft.voters?.voters ?? [];
    const granted = set.filter((member) => includes(this.#granted.get(term)?.get(node) ?? [], member) || isSame(voter.self, member));
    rule(
      granted.length * 2 > set.length,
      "R16 Identity",
      () => `node ${node} leads term ${term} with the votes of ${granted.length} of ${set.length} voters`,
    );
  }

  #mayLead({ voter, before, input }: Step): void {
    const { term, voters } = voter.raft;
    const node = voter.self.nodeId;
    let heard = this.#heard.get(node);
    if (heard === undefined || heard.term !== term) this.#heard.set(node, (heard = { term, at: new Map() }));
    const { at } = heard;
    if (input.kind === "message" && input.message.term === term) at.set(input.from.directoryId, voter.ticks);
    // Who has just become a voter has an election timeout to answer.
    for (const member of voters?.voters ?? [])
      if (voters?.index !== before.voters?.index && !includes(before.voters?.voters ?? [], member)) at.set(member.directoryId, voter.ticks);
    if (input.kind !== "tick" || voters === null) return;
    let recent = 0;
    for (const member of voters.voters) {
      const last = isSame(member, voter.self) ? voter.ticks : (at.get(member.directoryId) ?? voter.ticks);
      if (!at.has(member.directoryId)) at.set(member.directoryId, voter.ticks);
      if (voter.ticks - last <= 1.5 * this.#electionTicks) recent++;
    }
    rule(
      recent * 2 > voters.voters.length,
      "R17 StepDown",
      () => `node ${node} leads term ${term} having heard from ${recent} of ${voters.voters.length}`,
    );
  }
}
