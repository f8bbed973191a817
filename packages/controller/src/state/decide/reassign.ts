import { ProtocolError, type pb } from "@ottla/protocol";
import type { Draft } from "../draft.ts";
import { isUsable } from "../tables/brokers.ts";
import type { Around, Context } from "./context.ts";
import { list, tellLeaders } from "./elections.ts";
import { nameOf, writePartitionEvents } from "./event.ts";
import { failure, success } from "./failure.ts";
import { findPartition } from "./find.ts";
import { changePartition, hasLeader, minInSyncOf, sameList, type Changed } from "./partition-change.ts";
import { isPlaced } from "./placement.ts";

export function reassignPartitions(context: Context, call: pb.ReassignPartitionsCall): pb.ReassignPartitionsAnswer {
  const { draft } = context;
  const changes: Changed[] = [];
  const partitions = call.partitions.map(({ topicId, partition, replicas, cancel }): pb.PartitionOutcome => {
    try {
      const before = findPartition(draft.state, topicId, partition);
      const change = cancel
        ? cancelMove(context, before, replicas)
        : move(draft, context, before, checkedTarget(context, before, replicas), call.rate);
      if (change) changes.push(change);
      return { topicId, partition, ...success };
    } catch (error) {
      return { topicId, partition, ...failure(error) };
    }
  });
  tellMoves(draft, changes, "an operator asked for it");
  return { partitions };
}

/** Begins to bring a partition to the brokers named; ends at once when nothing must be copied. Another reassignment of the partition that is under way is
 * replaced by this one.
 * @param target complete replicas of before stay where they are named again
 * @throws ProtocolError NOT_ENOUGH_REPLICAS when too few replicas would stay in sync */
export function move(draft: Draft, around: Around, before: pb.PartitionRecord, target: readonly number[], rate: number): Changed | null {
  const base = baseOf(before);
  const adding = target.filter((nodeId) => !base.includes(nodeId));
  const removing = base.filter((nodeId) => !target.includes(nodeId));
  const replicas = [...target, ...removing];
  checkStays(draft, around, before, replicas);
  return changePartition(draft, around, before, { replicas, adding, removing, addingRate: adding.length > 0 ? rate : 0 });
}

/** Back to the replicas from before the reassignment; what was added goes. */
export function takeBack(draft: Draft, around: Around, before: pb.PartitionRecord): Changed | null {
  const replicas = baseOf(before);
  checkStays(draft, around, before, replicas);
  return changePartition(draft, around, before, { replicas, adding: [], removing: [], addingRate: 0 });
}

/** The replicas without a reassignment that is under way. */
export function baseOf({ replicas, adding }: pb.PartitionRecord): number[] {
  return replicas.filter((nodeId) => !adding.includes(nodeId));
}

/** Those that are wanted in the end. */
export function targetOf({ replicas, removing }: pb.PartitionRecord): number[] {
  return replicas.filter((nodeId) => !removing.includes(nodeId));
}

export function tellMoves(draft: Draft, changes: readonly Changed[], why: string): void {
  const events = changes.map(({ after }) => {
    const { adding, removing, replicas } = after;
    const underWay = adding.length > 0 || removing.length > 0;
    const text = (): string =>
      underWay
        ? `${nameOf(draft, after)} moves to ${list(targetOf(after))}: ${list(adding)} are added, then ${list(removing)} go; ${why}`
        : `${nameOf(draft, after)} has replicas ${list(replicas)}; ${why}`;
    return { partition: after, text };
  });
  writePartitionEvents(draft, "reassigned", events, `their replicas move; ${why}`);
  tellLeaders(draft, changes, "its replicas were reassigned");
}

function cancelMove(context: Context, before: pb.PartitionRecord, replicas: readonly number[]): Changed | null {
  const { draft } = context;
  const name = nameOf(draft, before);
  if (replicas.length > 0)
    throw new ProtocolError(
      "INVALID_REQUEST",
      `Cannot cancel the reassignment of ${name} and name replicas ${list(replicas)} for it at once`,
    );
  if (before.adding.length === 0 && before.removing.length === 0)
    throw new ProtocolError("NO_REASSIGNMENT_IN_PROGRESS", `${name} is not being reassigned: its replicas are ${list(before.replicas)}`);
  return takeBack(draft, context, before);
}

function checkedTarget({ draft }: Context, before: pb.PartitionRecord, target: readonly number[]): readonly number[] {
  const { state } = draft;
  const refuse = (why: string): never => {
    throw new ProtocolError("INVALID_REPLICA_ASSIGNMENT", `Cannot move ${nameOf(draft, before)} to ${list(target)}: ${why}`);
  };
  if (target.length === 0) refuse("it needs at least one replica");
  const twice = target.find((nodeId, at) => target.indexOf(nodeId) !== at);
  if (twice !== undefined) refuse(`broker ${twice} is named twice`);
  for (const nodeId of target) {
    const broker = state.brokers.get(nodeId);
    if (!broker) return refuse(`broker ${nodeId} is not registered`);
    if (isPlaced(before, nodeId)) continue;
    if (!isUsable(broker)) refuse(`broker ${nodeId} ${broker.shuttingDown ? "shuts down" : "is fenced"}; start it first`);
    if (broker.draining) refuse(`broker ${nodeId} is being drained; cancel that first or choose another`);
  }
  return target;
}

/** A reassignment takes nobody out of sync whom the partition needs (P18): that goes for replicas of one under way that are not wanted any more. */
function checkStays(draft: Draft, around: Around, before: pb.PartitionRecord, replicas: readonly number[]): void {
  const { isr } = before;
  const stay = isr.filter((nodeId) => replicas.includes(nodeId));
  if (stay.length === isr.length) return;
  const min = minInSyncOf(draft.state, around, before);
  const name = nameOf(draft, before);
  if (stay.length < min || stay.length === 0)
    throw new ProtocolError(
      "NOT_ENOUGH_REPLICAS",
      `Cannot take ${list(isr.filter((nodeId) => !replicas.includes(nodeId)))} off ${name}: ${stay.length} of its in-sync replicas ${list(isr)} would stay, and min.insync.replicas is ${min}; wait until more are in sync`,
    );
}

/** Why no reassignment of the partition can end now, null when one can. */
export function obstacle(draft: Draft, partition: pb.PartitionRecord): ProtocolError | null {
  if (hasLeader(draft.state, partition)) return null;
  return new ProtocolError(
    "LEADER_NOT_AVAILABLE",
    `${nameOf(draft, partition)} has no leader that could copy it: it waits for one of brokers ${list(partition.lastEligible)}`,
  );
}

export function isMovedTo(partition: pb.PartitionRecord, target: readonly number[]): boolean {
  return sameList(targetOf(partition), target);
}
