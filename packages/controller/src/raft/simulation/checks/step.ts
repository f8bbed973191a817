import type { Effects, Envelope, Input, LogPosition, Voter, VoterSet } from "../../types.ts";
import type { SimulatedVoter } from "../voter.ts";

/** What a node was before a step. */
export interface Before {
  readonly role: string;
  readonly term: number;
  readonly commitIndex: number;
  readonly last: LogPosition;
  readonly votedFor: Voter | null;
  readonly voters: VoterSet | null;
  readonly transferring: boolean;
  readonly appliedIndex: number;
}

export interface Step {
  readonly voter: SimulatedVoter;
  readonly before: Before;
  readonly input: Input;
  readonly effects: Effects;
  readonly messages: readonly Envelope[];
}

export function stateOf(voter: SimulatedVoter): Before {
  const { role, term, commitIndex, votedFor, voters, transferring, lastIndex } = voter.raft;
  const last = { index: lastIndex, term: voter.raft.termAt(lastIndex) ?? Number.NaN };
  return { role, term, commitIndex, last, votedFor, voters, transferring, appliedIndex: voter.applied.index };
}
