export { NotLeaderError, type CommittedEntry } from "./listener.ts";
export type { Peer, QuorumStatus } from "./options.ts";
export { Quorum } from "./quorum.ts";
