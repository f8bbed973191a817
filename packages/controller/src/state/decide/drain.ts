import { ProtocolError, type pb } from "@ottla/protocol";
import type { Draft } from "../draft.ts";
import { isUsable } from "../tables/brokers.ts";
import { unknownBroker } from "./brokers.ts";
import type { Around, Context } from "./context.ts";
import { nameOf, writeEvent } from "./event.ts";
import { failure } from "./failure.ts";
import type { Changed } from "./partition-change.ts";
import { placeOneMore } from "./placement.ts";
import { move, obstacle, takeBack, targetOf, tellMoves } from "./reassign.ts";

/** Partitions that move off one broker at the same time; others follow as these arrive. */
const MOVING_AT_ONCE = 100;

/** Moves every replica off a broker, or tells how far that is. What it needs to go on stands in the records, so that any later controller does.
 * @throws ProtocolError BROKER_ID_NOT_REGISTERED, INVALID_REPLICATION_FACTOR when none of its replicas could go anywhere */
export function drainBroker(context: Context, { nodeId, rate, cancel }: pb.DrainBrokerCall): pb.DrainBrokerAnswer {
  const { draft } = context;
  const { brokers, topics } = draft.state;
  const broker = brokers.get(nodeId);
  if (!broker) throw unknownBroker(nodeId, "drain");
  if (cancel) {
    if (broker.draining) cancelDrain(context, broker);
    return { replicasLeft: topics.partitions.on(nodeId).size, stuck: [] };
  }
  if (!broker.draining || broker.drainingRate !== rate)
    draft.write({ case: "broker", value: { ...broker, draining: true, drainingRate: rate } });
  const stuck = moveOff(draft, context, nodeId, rate);
  const replicasLeft = topics.partitions.on(nodeId).size;
  const [first] = stuck;
  if (!broker.draining && first && stuck.length === replicasLeft)
    throw new ProtocolError(
      "INVALID_REPLICATION_FACTOR",
      `Cannot drain broker ${nodeId}: none of its ${replicasLeft} replicas can go anywhere. ${first.errorMessage}`,
    );
  if (!broker.draining)
    writeEvent(draft, "draining", { nodeId }, `Broker ${nodeId} is drained of ${replicasLeft} replicas: an operator asked for it`);
  return { replicasLeft, stuck };
}

/** Goes on with every drain. */
export function continueDrains(draft: Draft, around: Around): void {
  for (const broker of [...draft.state.brokers.all()]) if (broker.draining) moveOff(draft, around, broker.nodeId, broker.drainingRate);
}

/** Whether {@link continueDrains} has anything to look at. */
export function isDraining(brokers: Iterable<pb.BrokerRecord>): boolean {
  for (const { draining } of brokers) if (draining) return true;
  return false;
}

function moveOff(draft: Draft, around: Around, nodeId: number, rate: number): pb.PartitionOutcome[] {
  const { partitions } = draft.state.topics;
  const held = [...partitions.on(nodeId)];
  let underWay = held.filter(({ removing }) => removing.includes(nodeId)).length;
  const stuck: pb.PartitionOutcome[] = [];
  const changes: Changed[] = [];
  for (const before of held) {
    const { topicId, partition } = before;
    try {
      if (before.removing.includes(nodeId)) {
        checkArriving(draft, before);
        continue;
      }
      const target = targetWithout(draft, before, nodeId);
      if (underWay >= MOVING_AT_ONCE) continue;
      const change = move(draft, around, before, target, rate);
      if (!change) continue;
      changes.push(change);
      underWay++;
    } catch (error) {
      stuck.push({ topicId, partition, ...failure(error) });
    }
  }
  tellMoves(draft, changes, `broker ${nodeId} is drained`);
  return stuck;
}

/** @throws ProtocolError REPLICA_NOT_AVAILABLE when a broker that the partition moves to is not there */
function checkArriving(draft: Draft, partition: pb.PartitionRecord): void {
  for (const nodeId of partition.adding) {
    const broker = draft.state.brokers.get(nodeId);
    if (broker && isUsable(broker)) continue;
    throw new ProtocolError(
      "REPLICA_NOT_AVAILABLE",
      `${nameOf(draft, partition)} moves to broker ${nodeId}, which is not live: start it, or cancel this move, and the drain chooses another broker`,
    );
  }
}

function targetWithout(draft: Draft, before: pb.PartitionRecord, nodeId: number): number[] {
  const why = obstacle(draft, before);
  if (why) throw why;
  const { name } = draft.state.topics.of(before);
  const target = targetOf(before);
  const at = target.indexOf(nodeId);
  const others = target.filter((each) => each !== nodeId);
  // Where it stands, so that the preferred leader is replaced by a preferred leader, and nobody else's turn changes.
  const next = placeOneMore(draft.state, [...new Set([...target, ...before.replicas])]);
  if (next === undefined)
    throw new ProtocolError(
      "INVALID_REPLICATION_FACTOR",
      `No other broker can take the replica of ${name}-${before.partition}: of its ${target.length} replicas one would be missing; start another broker or lower the topic's replication factor to ${Math.max(1, others.length)}`,
    );
  return target.map((each, position) => (position === at ? next : each));
}

function cancelDrain(context: Context, broker: pb.BrokerRecord): void {
  const { draft } = context;
  const { nodeId } = broker;
  draft.write({ case: "broker", value: { ...broker, draining: false, drainingRate: 0 } });
  const changes: Changed[] = [];
  for (const before of [...draft.state.topics.partitions.on(nodeId)]) {
    if (!before.removing.includes(nodeId)) continue;
    try {
      const change = takeBack(draft, context, before);
      if (change) changes.push(change);
    } catch (error) {
      // It needs the replica that was added; the move goes on.
      failure(error);
    }
  }
  writeEvent(draft, "draining", { nodeId }, `The draining of broker ${nodeId} was cancelled; what has moved stays where it is`);
  tellMoves(draft, changes, `the draining of broker ${nodeId} was cancelled`);
}
