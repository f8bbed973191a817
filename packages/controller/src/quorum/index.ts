export { NotLeaderError, type CommittedEntry, type QuorumListener } from "./listener.ts";
export type { QuorumOptions, QuorumStatus, QuorumVoter } from "./options.ts";
export { Quorum } from "./quorum.ts";
