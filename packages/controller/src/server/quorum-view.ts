import type { Quorum } from "../quorum/index.ts";
import type { QuorumView } from "../state/decide/context.ts";

/** The leader's quorum, as decisions see it. */
export function viewOf(quorum: Quorum, nodeId: number): QuorumView {
  return {
    nodeId,
    get term() {
      return quorum.status.term;
    },
    get commitIndex() {
      return quorum.status.commitIndex;
    },
    get firstIndex() {
      return quorum.status.firstIndex;
    },
    members: () => quorum.members(),
    metadataVersions: () => quorum.metadataVersions(),
    changedVoters: (call, current) => quorum.changedVoters(call, current),
  };
}
