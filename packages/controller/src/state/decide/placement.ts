import { ProtocolError, type pb } from "@ottla/protocol";
import type { State } from "../state.ts";
import { isUsable } from "../tables/brokers.ts";

interface Candidate {
  readonly broker: pb.BrokerRecord;
  replicas: number;
  preferred: number;
}

/** Replicas for `count` partitions, the preferred leader first. Each replica goes to a rack that has none yet, then to the broker with the fewest
 * replicas; of the chosen the one that is preferred least leads. */
export function placeReplicas(state: State, count: number, factor: number): number[][] {
  const candidates = candidatesOf(state);
  return Array.from({ length: count }, (_, partition) => {
    const chosen: Candidate[] = [];
    while (chosen.length < factor) {
      const next = nextReplica(candidates, chosen, partition);
      if (!next)
        throw new ProtocolError(
          "INVALID_REPLICATION_FACTOR",
          `Cannot place ${factor} replicas on ${candidates.length} live brokers; start more brokers or ask for fewer replicas`,
        );
      chosen.push(next);
    }
    chosen.sort((a, b) => a.preferred - b.preferred);
    for (const candidate of chosen) candidate.replicas++;
    const [leader] = chosen;
    if (leader) leader.preferred++;
    return chosen.map(({ broker }) => broker.nodeId);
  });
}

/** The best place for one more replica beside those given, whatever they are.
 * @returns undefined when every broker that may hold new replicas has one */
export function placeOneMore(state: State, beside: readonly number[]): number | undefined {
  const present = beside.flatMap((nodeId): Candidate[] => {
    const broker = state.brokers.get(nodeId);
    return broker ? [{ broker, ...state.topics.partitions.load(nodeId) }] : [];
  });
  const candidates = candidatesOf(state).filter(({ broker }) => !beside.includes(broker.nodeId));
  return nextReplica(candidates, present, 0)?.broker.nodeId;
}

function candidatesOf(state: State): Candidate[] {
  return state.brokers
    .placeable()
    .map((broker): Candidate => ({ broker, ...state.topics.partitions.load(broker.nodeId) }))
    .sort((a, b) => a.broker.nodeId - b.broker.nodeId);
}

/** @param turn equal candidates take turns, so that the same brokers do not always stand together */
function nextReplica(candidates: readonly Candidate[], chosen: readonly Candidate[], turn: number): Candidate | undefined {
  const rackTaken = (candidate: Candidate): boolean =>
    candidate.broker.rack !== "" && chosen.some(({ broker }) => broker.rack === candidate.broker.rack);
  let best: Candidate | undefined;
  for (let at = 0; at < candidates.length; at++) {
    const candidate = candidates[(at + turn) % candidates.length];
    if (!candidate || chosen.includes(candidate)) continue;
    if (!best || (rackTaken(candidate) !== rackTaken(best) ? rackTaken(best) : candidate.replicas < best.replicas)) best = candidate;
  }
  return best;
}

/** @throws ProtocolError INVALID_REPLICA_ASSIGNMENT for replicas that cannot be */
export function checkAssignment(state: State, partition: number, nodes: readonly number[], factor: number): void {
  const refuse = (why: string): never => {
    throw new ProtocolError("INVALID_REPLICA_ASSIGNMENT", `Cannot place partition ${partition} on brokers [${nodes.join(", ")}]: ${why}`);
  };
  if (nodes.length === 0) refuse("it needs at least one");
  if (nodes.length !== factor) refuse(`the other partitions have ${factor} replicas`);
  const twice = nodes.find((nodeId, at) => nodes.indexOf(nodeId) !== at);
  if (twice !== undefined) refuse(`broker ${twice} is named twice`);
  const unknown = nodes.find((nodeId) => !state.brokers.get(nodeId));
  if (unknown !== undefined) refuse(`broker ${unknown} is not registered`);
  const draining = nodes.find((nodeId) => state.brokers.get(nodeId)?.draining === true);
  if (draining !== undefined) refuse(`broker ${draining} is being drained`);
  if (!nodes.some((nodeId) => isLive(state, nodeId))) refuse("none of them is live");
}

/** A new partition: those of its replicas that are live are in sync, because there is nothing to lack; the first of them leads. */
export function newPartition(state: State, topicId: Uint8Array, partition: number, replicas: number[]): pb.PartitionRecord {
  const isr = replicas.filter((nodeId) => isLive(state, nodeId));
  const leader = isr.map((nodeId) => state.brokers.get(nodeId)).find((broker) => broker !== undefined);
  if (!leader)
    throw new ProtocolError(
      "INVALID_REPLICA_ASSIGNMENT",
      `Cannot create partition ${partition}: none of brokers [${replicas.join(", ")}] is live`,
    );
  return {
    topicId,
    partition,
    replicas,
    isr,
    elr: [],
    leader: leader.nodeId,
    leaderEpoch: 0,
    partitionEpoch: 0,
    leaderBrokerEpoch: leader.brokerEpoch,
    adding: [],
    removing: [],
    lastEligible: [],
    addingRate: 0,
    reports: [],
  };
}

/** Whether the node has a complete replica, which it would keep. */
export function isPlaced({ replicas, adding }: pb.PartitionRecord, nodeId: number): boolean {
  return replicas.includes(nodeId) && !adding.includes(nodeId);
}

function isLive(state: State, nodeId: number): boolean {
  const broker = state.brokers.get(nodeId);
  return broker !== undefined && isUsable(broker);
}
