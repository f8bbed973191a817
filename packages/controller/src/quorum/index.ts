export { NotLeaderError, type CommittedEntry, type QuorumListener } from "./listener.ts";
export { Quorum, type QuorumOptions, type QuorumStatus, type QuorumVoter } from "./quorum.ts";
