import { metadataVersions } from "@ottla/metadata";
import { assert, uuidFromBytes, uuidToText, type pb, type Uuid } from "@ottla/protocol";
import type { ControllerOptions } from "./controller-options.ts";
import type { Suspension } from "./raft/index.ts";
import { Replica } from "./replica.ts";
import { Server } from "./server/server.ts";
import type { DigestMismatch } from "./state/mismatch.ts";
import { VoterCare } from "./voter-care.ts";

/** What a controller consists of between one start from its directory and the next. */
export interface Parts {
  readonly replica: Replica;
  readonly server: Server;
  readonly care: VoterCare;
}

export interface PartsListener {
  committed(index: number, term: number, records: readonly pb.MetadataRecord[]): void;
  caughtUp(replica: Replica): void;
  /** These three end the parts. */
  mismatch(error: DigestMismatch, restoredFrom: string | null): void;
  outdated(suspension: Suspension): void;
  snapshot(index: number): void;
}

/** Nothing runs yet.
 * @param distrusted a checkpoint that has led to another state than the log says */
export async function openParts(
  options: ControllerOptions,
  own: { readonly directoryId: Uuid; readonly clusterId: string | null; readonly distrusted: string | null },
  listener: PartsListener,
): Promise<Parts> {
  const { host, config, nodeId, directory, logger } = options;
  const versions = options.metadataVersions ?? metadataVersions;
  let opened: Parts | null = null;
  const parts = (): Parts => {
    assert(opened !== null, "the replica spoke before it was opened");
    return opened;
  };
  const replica = await Replica.open(
    {
      ...{ host, config, nodeId, directory, logger },
      ...own,
      metadataVersions: versions,
      onFatal: (error) => options.onFatal(error),
      nodeAddress: () => options.nodeAddress(),
      dial: (peer, service, attributes, signal) => options.dial(peer, service, attributes, signal),
    },
    {
      committed: (index, term, records) => {
        listener.committed(index, term, records);
        parts().server.committed(index, records);
      },
      caughtUp: () => {
        parts().server.caughtUp();
        listener.caughtUp(parts().replica);
      },
      leading: () => parts().server.leading(),
      lost: () => parts().server.lost(),
      follows: () => parts().server.follows(),
      mismatch: (error) => listener.mismatch(error, parts().replica.restoredFrom),
      outdated: (suspension) => listener.outdated(suspension),
      snapshot: (index) => listener.snapshot(index),
    },
  );
  const server = new Server({ host, config, nodeId, logger, metadataVersions: versions }, replica);
  opened = { replica, server, care: new VoterCare(host.clock, logger, replica) };
  return opened;
}

export async function closeParts({ replica, server, care }: Parts): Promise<void> {
  care.close();
  server.close();
  await replica.close();
}

/** Controllers that may hold what this one lost. */
export function hasOthers({ config, nodeId }: ControllerOptions): boolean {
  return config.controllerQuorumBootstrapServers.length > 0 || config.controllerQuorumVoters.some((voter) => voter.nodeId !== nodeId);
}

/** What is committed must be the cluster that the data directory belongs to; an empty controller of a known cluster needs others to be fed by. */
export function whatDoesNotFit(options: ControllerOptions, directoryId: Uuid, { clusterId, isEmpty, state }: Replica): Error | null {
  const { clusterId: expected, directory, nodeId } = options;
  const known = typeof expected === "string" ? expected : null;
  if (known !== null && isEmpty && !hasOthers(options))
    return new Error(
      `Cannot start the controller: the data directory belongs to a cluster, ${known}, but the controller's log in ${directory} is empty; restore the controller's directory from a copy`,
    );
  if (clusterId === null) return null;
  if (known !== null && known !== clusterId)
    return new Error(
      `Cannot run the controller in ${directory}: it belongs to cluster ${clusterId}, the data directory to cluster ${known}; restore the right one from a copy`,
    );
  const [voter, ...others] = state.voters;
  if (others.length === 0 && voter?.nodeId === nodeId && uuidFromBytes(voter.directoryId) !== directoryId)
    return new Error(
      `Cannot run the controller in ${directory}: cluster ${clusterId} has no voter ${nodeId} with directory id ${uuidToText(directoryId)}; its file directory-id was replaced: restore it from a copy`,
    );
  return null;
}
