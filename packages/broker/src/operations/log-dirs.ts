import { type pb, type Uuid, uuidFromBytes, uuidToBytes } from "@ottla/protocol";
import type { Partition } from "../partition/partition.ts";
import type { BrokerParts } from "./context.ts";
import { asProtocolError } from "./find-partition.ts";

/** What this broker holds on its disk, logs included that the cluster does not know.
 * @throws ProtocolError KAFKA_STORAGE_ERROR when the disk cannot be asked */
export async function describeLogDirs(parts: BrokerParts, call: pb.DescribeLogDirsCall): Promise<pb.DescribeLogDirsAnswer> {
  const { freeBytes, totalBytes } = await parts.space().catch((error: unknown) => {
    throw asProtocolError(error);
  });
  const wanted = call.partitions.map(({ topicId, partition }) => parts.partitions.get(uuidFromBytes(topicId), partition));
  const partitions = call.partitions.length === 0 ? [...parts.partitions.all()] : wanted.filter((each) => each !== undefined);
  const ids = new Map<Uuid, Uint8Array>();
  return { directory: parts.directory.path, totalBytes, freeBytes, partitions: partitions.map((partition) => describe(partition, ids)) };
}

function describe({ topicId, index, log, highWatermark }: Partition, ids: Map<Uuid, Uint8Array>): pb.LogDirPartition {
  let idBytes = ids.get(topicId);
  if (idBytes === undefined) ids.set(topicId, (idBytes = uuidToBytes(topicId)));
  return {
    topicId: idBytes,
    partition: index,
    sizeBytes: log.sizeBytes,
    logStartOffset: log.startOffset,
    highWatermark,
    logEndOffset: log.endOffset,
    damaged: log.unserved.map(({ from, until }) => ({ from, until })),
  };
}
