import { ProtocolError, type pb } from "@ottla/protocol";
import type { State } from "../state.ts";
import { isUsable } from "../tables/brokers.ts";

interface Candidate {
  readonly broker: pb.BrokerRecord;
  replicas: number;
  leaders: number;
}

/** Replicas for `count` partitions, the preferred leader first. Each replica goes to a rack that has none yet, then to the broker with the fewest
 * replicas; of the chosen the one that leads least leads. */
export function placeReplicas(state: State, count: number, factor: number): number[][] {
  const candidates = state.brokers
    .usable()
    .map((broker): Candidate => ({ broker, ...state.topics.load(broker.nodeId) }))
    .sort((a, b) => a.broker.nodeId - b.broker.nodeId);
  return Array.from({ length: count }, () => {
    const chosen: Candidate[] = [];
    while (chosen.length < factor) chosen.push(nextReplica(candidates, chosen));
    chosen.sort((a, b) => a.leaders - b.leaders);
    for (const candidate of chosen) candidate.replicas++;
    const [leader] = chosen;
    if (leader) leader.leaders++;
    return chosen.map(({ broker }) => broker.nodeId);
  });
}

function nextReplica(candidates: readonly Candidate[], chosen: readonly Candidate[]): Candidate {
  const rackTaken = (candidate: Candidate): boolean =>
    candidate.broker.rack !== "" && chosen.some(({ broker }) => broker.rack === candidate.broker.rack);
  let best: Candidate | null = null;
  for (const candidate of candidates) {
    if (chosen.includes(candidate)) continue;
    if (!best || (rackTaken(candidate) !== rackTaken(best) ? rackTaken(best) : candidate.replicas < best.replicas)) best = candidate;
  }
  if (!best)
    throw new ProtocolError(
      "INVALID_REPLICATION_FACTOR",
      `Cannot place ${chosen.length + 1} replicas on ${candidates.length} live brokers`,
    );
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

function isLive(state: State, nodeId: number): boolean {
  const broker = state.brokers.get(nodeId);
  return broker !== undefined && isUsable(broker);
}
