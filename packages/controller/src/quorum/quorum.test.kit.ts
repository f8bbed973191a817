import { silentLogger, type Address, type Host } from "@ottla/host";
import type { Uuid } from "@ottla/protocol";
import { Quorum } from "./index.ts";
import type { QuorumListener } from "./listener.ts";
import type { QuorumOptions } from "./options.ts";

export const FOUNDED = "founded";

/** Options of a quorum that has nothing to restore; the founding entry says {@link FOUNDED}. */
export function openQuorum(
  host: Host,
  listener: QuorumListener,
  o: {
    nodeId: number;
    directoryId: Uuid;
    address: Address;
    listed: QuorumOptions["listed"];
    onFatal(error: Error): void;
  } & Partial<QuorumOptions>,
): Promise<Quorum> {
  const { address, ...more } = o;
  return Quorum.open({
    host,
    directory: "/data/controller",
    bootstrap: [],
    addresses: () => [],
    nodeAddress: () => address,
    clusterId: () => null,
    metadataVersions: { min: 1, max: 1 },
    founding: () => new TextEncoder().encode(FOUNDED),
    electionTimeoutMs: 1000,
    heartbeatIntervalMs: 100,
    restored: { applied: { index: 0, term: 0 }, installed: false, voters: [] },
    logger: silentLogger,
    dial: (_peer, _service, _attributes, signal) => Promise.reject(signal.reason ?? new Error("a single voter dials nobody")),
    listener,
    snapshotSource: () => {
      throw new Error("nobody needs a snapshot");
    },
    snapshotSink: {
      begin: () => Promise.reject(new Error("no snapshot is expected")),
      add: () => Promise.reject(new Error("no snapshot is expected")),
      finish: () => Promise.reject(new Error("no snapshot is expected")),
    },
    ...more,
  });
}
