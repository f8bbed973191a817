import { type NodeConfig, uuidToBytes, type Uuid } from "@ottla/protocol";
import type { Host } from "@ottla/host";
import type { Peer } from "./quorum/index.ts";
import type { Voters } from "./raft/index.ts";
import { found } from "./state/decide/founding.ts";
import { Draft } from "./state/draft.ts";
import { State } from "./state/state.ts";

export function addressesOf(state: State): Peer[] {
  return state.voters.filter(({ host }) => host !== "").map(({ nodeId, host, port }) => ({ nodeId, address: { host, port } }));
}

/** The first entry of a cluster: its id, its voters and where they are, the features it begins with. */
export function foundingEntry(host: Host, config: NodeConfig, voters: Voters, level: number): Uint8Array {
  const listed = config.controllerQuorumVoters;
  const draft = new Draft(new State(), host.random, 1, host.clock.wallMs(), 0);
  found(
    draft,
    voters.map(({ nodeId, directoryId }) => {
      const address = listed.find((peer) => peer.nodeId === nodeId)?.address;
      return { nodeId, directoryId: uuidToBytes(directoryId as Uuid), host: address?.host ?? "", port: address?.port ?? 0 };
    }),
    config,
    level,
  );
  return draft.encode();
}
