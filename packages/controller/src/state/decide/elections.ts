import type { pb } from "@ottla/protocol";
import type { Draft } from "../draft.ts";
import { isUsable } from "../tables/brokers.ts";

/** Every partition the node leads gets another leader from its in-sync replicas, where one is live; where none is, the node stays, so that a
 * cluster without a second copy comes back with its broker. */
export function moveLeadershipAway(draft: Draft, nodeId: number): void {
  for (const partition of partitionsWhere(draft, (each) => each.leader === nodeId)) {
    const next = liveInSync(draft, partition, nodeId);
    if (next) elect(draft, partition, next);
  }
}

/** A new incarnation never resumes what its former led: each such partition gets a new leader epoch, under another live replica or, where there
 * is none, under the new incarnation itself. */
export function endFormerLeadership(draft: Draft, former: number, registered: pb.BrokerRecord): void {
  for (const partition of partitionsWhere(draft, (each) => each.leader === former))
    elect(draft, partition, liveInSync(draft, partition, former) ?? registered);
}

/** A broker that became live takes over what has no live leader. */
export function electWhereLeaderless(draft: Draft, broker: pb.BrokerRecord): void {
  const leaderless = (partition: pb.PartitionRecord): boolean => {
    if (!partition.isr.includes(broker.nodeId) || partition.leader === broker.nodeId) return false;
    const leader = draft.state.brokers.get(partition.leader);
    return !leader || !isUsable(leader);
  };
  for (const partition of partitionsWhere(draft, leaderless)) elect(draft, partition, broker);
}

function partitionsWhere(draft: Draft, matches: (partition: pb.PartitionRecord) => boolean): pb.PartitionRecord[] {
  const found: pb.PartitionRecord[] = [];
  for (const { partitions } of draft.state.topics.all()) {
    for (const partition of partitions) if (matches(partition)) found.push(partition);
  }
  return found;
}

/** In the order of the assignment, so that the preferred leader comes first. */
function liveInSync(draft: Draft, partition: pb.PartitionRecord, except: number): pb.BrokerRecord | undefined {
  for (const nodeId of partition.replicas) {
    const broker = nodeId !== except && partition.isr.includes(nodeId) ? draft.state.brokers.get(nodeId) : undefined;
    if (broker && isUsable(broker)) return broker;
  }
  return undefined;
}

function elect(draft: Draft, partition: pb.PartitionRecord, leader: pb.BrokerRecord): void {
  draft.write({
    case: "partition",
    value: {
      ...partition,
      leader: leader.nodeId,
      leaderEpoch: partition.leaderEpoch + 1,
      partitionEpoch: partition.partitionEpoch + 1,
      leaderBrokerEpoch: leader.brokerEpoch,
    },
  });
}
