import { ProtocolError, type pb } from "@ottla/protocol";
import type { Draft } from "../draft.ts";
import type { State } from "../state.ts";
import { isUsable } from "../tables/brokers.ts";
import type { Context } from "./context.ts";
import { failure, success } from "./failure.ts";
import { findTopicById } from "./find.ts";
import type { Changed } from "./partition-change.ts";
import { placeOneMore } from "./placement.ts";
import { baseOf, isMovedTo, move, tellMoves } from "./reassign.ts";

/** Every partition gets replicas, or loses some, while everything goes on.
 * @throws ProtocolError UNKNOWN_TOPIC_ID, INVALID_REPLICATION_FACTOR */
export function alterReplicationFactor(
  context: Context,
  { topicId, factor, rate, validateOnly }: pb.AlterReplicationFactorCall,
): pb.AlterReplicationFactorAnswer {
  const { draft } = context;
  const { brokers } = draft.state;
  const topic = findTopicById(draft.state, topicId);
  const able = brokers.placeable().length;
  if (factor < 1)
    throw new ProtocolError("INVALID_REPLICATION_FACTOR", `Cannot give topic "${topic.name}" ${factor} replicas: it needs at least 1`);
  if (factor > able && topic.partitions.some((partition) => baseOf(partition).length < factor))
    throw new ProtocolError(
      "INVALID_REPLICATION_FACTOR",
      `Cannot give topic "${topic.name}" ${factor} replicas: ${able} of ${brokers.count} registered brokers can take new ones; start more brokers or ask for at most ${Math.max(1, able)}`,
    );
  const mark = draft.mark();
  const changes: Changed[] = [];
  const partitions = topic.partitions.map(({ partition }): pb.PartitionOutcome => {
    try {
      const before = topic.partitions[partition];
      const target = before && targetFor(draft, before, factor);
      const change = before && target && !isMovedTo(before, target) ? move(draft, context, before, target, rate) : null;
      if (change) changes.push(change);
      return { topicId, partition, ...success };
    } catch (error) {
      return { topicId, partition, ...failure(error) };
    }
  });
  if (validateOnly) draft.rollBack(mark);
  else tellMoves(draft, changes, `an operator asked for a replication factor of ${factor}`);
  return { partitions };
}

function targetFor(draft: Draft, partition: pb.PartitionRecord, factor: number): number[] {
  const target = baseOf(partition);
  while (target.length < factor) {
    const next = placeOneMore(draft.state, target);
    if (next === undefined)
      throw new ProtocolError("INVALID_REPLICATION_FACTOR", `Every live broker has a replica already, ${target.length} of ${factor}`);
    target.push(next);
  }
  while (target.length > factor) target.splice(target.indexOf(leastNeeded(draft.state, partition, target)), 1);
  return target;
}

/** Rather one that is not in sync, then one of a broker that is being drained, then one that shares its rack, then the one with the most replicas; the
 * preferred leader last. */
function leastNeeded(state: State, { isr }: pb.PartitionRecord, target: readonly number[]): number {
  const rackOf = (nodeId: number): string => state.brokers.get(nodeId)?.rack ?? "";
  const weigh = (nodeId: number, at: number): readonly number[] => {
    const broker = state.brokers.get(nodeId);
    const inSync = isr.includes(nodeId) && broker !== undefined && isUsable(broker);
    const alone = target.every((other) => other === nodeId || rackOf(other) !== rackOf(nodeId) || rackOf(nodeId) === "");
    return [inSync ? 1 : 0, broker?.draining ? 0 : 1, at === 0 ? 1 : 0, alone ? 1 : 0, -state.topics.partitions.load(nodeId).replicas];
  };
  const weighed = target.map((nodeId, at) => ({ nodeId, weight: weigh(nodeId, at) }));
  weighed.sort((a, b) => compare(a.weight, b.weight));
  return weighed[0]?.nodeId ?? -1;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [at, value] of a.entries()) {
    const other = b[at] ?? 0;
    if (value !== other) return value - other;
  }
  return 0;
}
