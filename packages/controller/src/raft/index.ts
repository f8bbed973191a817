export { assert } from "./assert.ts";
export { Raft } from "./raft.ts";
export type {
  Effects,
  Entry,
  Envelope,
  Input,
  Limits,
  Load,
  LogPosition,
  Message,
  Persist,
  Proposal,
  Suspension,
  Voter,
  Voters,
  VoterSet,
} from "./types.ts";
