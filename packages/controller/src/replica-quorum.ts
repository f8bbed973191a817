import type { Restored } from "./checkpoint/checkpoints.ts";
import { votersIn, type QuorumOptions } from "./quorum/index.ts";
import type { ReplicaOptions } from "./replica-options.ts";
import type { State } from "./state/state.ts";
import { addressesOf, foundingEntry } from "./voters.ts";

/** What the quorum is to know of the node and of the state it begins from; what it tells the replica comes beside it. */
export function quorumSettings(
  options: ReplicaOptions,
  state: State,
  restored: Restored | null,
): Omit<QuorumOptions, "clusterId" | "listener" | "snapshotSource" | "snapshotSink"> {
  const { host, config, directory, nodeId, directoryId, logger, metadataVersions } = options;
  const applied = { index: restored?.appliedIndex ?? 0, term: restored?.appliedTerm ?? 0 };
  return {
    host,
    directory,
    nodeId,
    directoryId,
    listed: config.controllerQuorumVoters,
    bootstrap: config.controllerQuorumBootstrapServers,
    addresses: () => addressesOf(state),
    nodeAddress: () => options.nodeAddress(),
    metadataVersions,
    founding: (voters) => foundingEntry(host, config, voters, metadataVersions.max),
    electionTimeoutMs: config.controllerElectionTimeoutMs,
    heartbeatIntervalMs: config.controllerHeartbeatIntervalMs,
    restored: { applied, installed: restored?.installed ?? false, voters: votersIn({ voters: [...state.voters], replacing: [] }) },
    logger,
    onFatal: (error) => options.onFatal(error),
    dial: (peer, service, attributes, signal) => options.dial(peer, service, attributes, signal),
  };
}
