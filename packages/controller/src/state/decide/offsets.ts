import { ProtocolError, uuidFromBytes, type pb } from "@ottla/protocol";
import type { Draft } from "../draft.ts";
import type { State } from "../state.ts";
import type { Context } from "./context.ts";
import { findTopicById } from "./find.ts";
import { failure, success } from "./failure.ts";

const MAX_GROUP_ID_LENGTH = 249;
export const MAX_OFFSETS = 1_000_000;
const MAX_EXPIRED_PER_ENTRY = 1000;
const MINUTE_MS = 60_000;

export function commitOffsets(context: Context, call: pb.CommitOffsetsCall): pb.CommitOffsetsAnswer {
  checkGroup(call.group);
  return {
    offsets: call.offsets.map((offset) => ({
      topicId: offset.topicId,
      partition: offset.partition,
      ...outcome(() => commit(context, call.group, offset)),
    })),
  };
}

export function fetchOffsets({ draft }: Context, call: pb.FetchOffsetsCall): pb.FetchOffsetsAnswer {
  checkGroup(call.group);
  const { offsets } = draft.state;
  if (call.partitions.length === 0) return { offsets: [...(offsets.ofGroup(call.group) ?? [])].map(fetched) };
  return {
    offsets: call.partitions.map(({ topicId, partition }) => {
      const found = offsets.get(call.group, uuidFromBytes(topicId), partition);
      return found ? fetched(found) : { topicId, partition, offset: -1, leaderEpoch: -1, metadata: "", commitTimeMs: -1 };
    }),
  };
}

export function listGroups({ draft }: Context): pb.ListGroupsAnswer {
  const groups: pb.ListedGroup[] = [];
  for (const [group, offsets] of draft.state.offsets.groups()) {
    let lastCommitMs = -1;
    for (const { commitTimeMs } of offsets.values()) lastCommitMs = Math.max(lastCommitMs, commitTimeMs);
    groups.push({ group, partitions: offsets.size, lastCommitMs });
  }
  return { groups };
}

export function deleteGroups({ draft }: Context, call: pb.DeleteGroupsCall): pb.DeleteGroupsAnswer {
  const groups = call.groups.map((group) => ({
    group,
    ...outcome(() => {
      checkGroup(group);
      const offsets = draft.state.offsets.ofGroup(group);
      if (!offsets) throw new ProtocolError("GROUP_ID_NOT_FOUND", `There is no group "${group}": no offsets are committed under this name`);
      for (const offset of [...offsets]) remove(draft, offset);
    }),
  }));
  return { groups };
}

export function deleteOffsets({ draft }: Context, call: pb.DeleteOffsetsCall): pb.DeleteOffsetsAnswer {
  checkGroup(call.group);
  const { offsets } = draft.state;
  if (!offsets.ofGroup(call.group))
    throw new ProtocolError("GROUP_ID_NOT_FOUND", `There is no group "${call.group}": no offsets are committed under this name`);
  return {
    offsets: call.partitions.map(({ topicId, partition }) => ({
      topicId,
      partition,
      ...outcome(() => {
        findPartition(draft.state, topicId, partition);
        const offset = offsets.get(call.group, uuidFromBytes(topicId), partition);
        if (offset) remove(draft, offset);
      }),
    })),
  };
}

/** Forgets offsets whose last commit lies further back than they are kept, as many as fit one entry.
 * @returns whether there are more */
export function expireOffsets(draft: Draft, retentionMinutes: number): boolean {
  const oldest = draft.decidedAtMs - retentionMinutes * MINUTE_MS;
  const expired: pb.OffsetRecord[] = [];
  for (const [, offsets] of draft.state.offsets.groups()) {
    for (const offset of offsets.values()) {
      if (offset.commitTimeMs >= oldest) continue;
      if (expired.length === MAX_EXPIRED_PER_ENTRY) {
        for (const each of expired) remove(draft, each);
        return true;
      }
      expired.push(offset);
    }
  }
  for (const each of expired) remove(draft, each);
  return false;
}

function commit({ draft, config }: Context, group: string, { topicId, partition, offset, leaderEpoch, metadata }: pb.OffsetCommit): void {
  const { state } = draft;
  findPartition(state, topicId, partition);
  const bytes = Buffer.byteLength(metadata);
  if (bytes > config.offsetMetadataMaxBytes)
    throw new ProtocolError(
      "OFFSET_METADATA_TOO_LARGE",
      `Cannot commit an offset of group "${group}" with ${bytes} bytes of metadata: offset.metadata.max.bytes=${config.offsetMetadataMaxBytes}`,
    );
  if (state.offsets.count >= MAX_OFFSETS && !state.offsets.get(group, uuidFromBytes(topicId), partition))
    throw new ProtocolError(
      "POLICY_VIOLATION",
      `Cannot commit another offset for group "${group}": the cluster keeps ${MAX_OFFSETS}; delete groups that are no longer used`,
    );
  draft.write({ case: "offset", value: { group, topicId, partition, offset, leaderEpoch, metadata, commitTimeMs: draft.decidedAtMs } });
}

function findPartition(state: State, topicId: Uint8Array, partition: number): void {
  const topic = findTopicById(state, topicId);
  if (partition >= topic.partitions.length)
    throw new ProtocolError(
      "UNKNOWN_TOPIC_OR_PARTITION",
      `Topic "${topic.name}" has no partition ${partition}: its ${topic.partitions.length} partitions are numbered from 0`,
    );
}

function checkGroup(group: string): void {
  if (group === "") throw new ProtocolError("INVALID_GROUP_ID", "A group id must not be empty");
  if (group.length > MAX_GROUP_ID_LENGTH)
    throw new ProtocolError(
      "INVALID_GROUP_ID",
      `The group id "${group.slice(0, 40)}…" has ${group.length} characters, the limit is ${MAX_GROUP_ID_LENGTH}`,
    );
}

function remove(draft: Draft, { group, topicId, partition }: pb.OffsetRecord): void {
  draft.write({ case: "removeOffset", value: { group, topicId, partition } });
}

function fetched({ topicId, partition, offset, leaderEpoch, metadata, commitTimeMs }: pb.OffsetRecord): pb.FetchedOffset {
  return { topicId, partition, offset, leaderEpoch, metadata, commitTimeMs };
}

function outcome(decide: () => void): { errorCode: number; errorMessage: string } {
  try {
    decide();
    return success;
  } catch (error) {
    return failure(error);
  }
}
