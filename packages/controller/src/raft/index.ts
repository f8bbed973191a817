export { assert } from "./assert.ts";
export { Raft } from "./raft.ts";
export type {
  Effects,
  Entry,
  Envelope,
  FollowerStatus,
  Input,
  Limits,
  Load,
  LogPosition,
  Message,
  Persist,
  Proposal,
  SnapshotRequest,
  Suspension,
  Voter,
  Voters,
  VoterSet,
} from "./types.ts";
