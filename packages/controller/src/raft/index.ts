export { assert } from "./assert.ts";
export { Raft } from "./raft.ts";
export type { RaftOptions, Randomness } from "./core.ts";
export type {
  Effects,
  Entry,
  Envelope,
  Input,
  Limits,
  Load,
  LogPosition,
  Message,
  NodeId,
  Persist,
  ReadAnswer,
  Restored,
  Role,
  Voter,
} from "./types.ts";
