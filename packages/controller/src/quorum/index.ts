export { DamagedControllerError } from "./damaged.ts";
export { NotLeaderError, VoterChangeError, type CommittedEntry } from "./listener.ts";
export type { Peer, QuorumOptions, QuorumStatus } from "./options.ts";
export type { SnapshotSink, SnapshotSource } from "./snapshot/types.ts";
export { votersIn } from "./voter-change.ts";
export { salvageEntries } from "./entry-log.ts";
export { VoteFile } from "./vote-file.ts";
export { Quorum } from "./quorum.ts";
