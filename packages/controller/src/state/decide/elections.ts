import type { pb } from "@ottla/protocol";
import type { Draft } from "../draft.ts";
import type { State } from "../state.ts";
import type { Around } from "./context.ts";
import { nameOf, writeEvent, writePartitionEvents } from "./event.ts";
import { changePartition, type Changed } from "./partition-change.ts";
import { electRecovered } from "./recovery.ts";

/** The broker is in sync nowhere any more, and others lead where it led. Where nobody can, the partition waits for one of those that were in
 * sync or eligible.
 * @param unclean whether its log of a partition may lack acknowledged records, and what is left of it; such a replica is not eligible either (P9) */
export function takeOut(
  draft: Draft,
  around: Around,
  nodeId: number,
  unclean: (partition: pb.PartitionRecord) => pb.ReplicaReport | null = () => null,
): Changed[] {
  const changes: Changed[] = [];
  for (const partition of [...draft.state.topics.partitions.on(nodeId)]) {
    const report = unclean(partition);
    if (!report && !partition.isr.includes(nodeId) && partition.leader !== nodeId) continue;
    const isr = partition.isr.filter((each) => each !== nodeId);
    const change = changePartition(draft, around, partition, { isr, ...(report ? { unclean: [nodeId], reports: [report] } : {}) });
    if (change) changes.push(change);
  }
  return changes;
}

/** A broker that became live takes over what has no leader and what it is eligible for. */
export function electWhereLeaderless(draft: Draft, around: Around, broker: pb.BrokerRecord): Changed[] {
  const { leaderless } = draft.state.topics.partitions;
  const changes: Changed[] = [];
  for (const partition of [...leaderless]) {
    if (!partition.replicas.includes(broker.nodeId)) continue;
    const change = changePartition(draft, around, partition, {}) ?? electRecovered(draft, around, partition, false);
    if (change) changes.push(change);
  }
  return changes;
}

/** Where a partition's preferred leader is in sync and others lead, it leads again.
 * @param isSettled whether the broker has been live for long enough to be given leaderships
 * @returns how many it took home */
export function sendLeadersHome(draft: Draft, around: Around, isSettled: (nodeId: number) => boolean, max: number): number {
  const { brokers, topics } = draft.state;
  const changes: Changed[] = [];
  for (const partition of [...topics.partitions.away]) {
    const [home] = partition.replicas;
    const broker = home === undefined ? undefined : brokers.get(home);
    if (!broker || broker.draining || around.lastResort.has(broker.nodeId) || !isSettled(broker.nodeId)) continue;
    if (!partition.isr.includes(broker.nodeId) || partition.removing.includes(broker.nodeId)) continue;
    const change = changePartition(draft, around, partition, { leader: broker.nodeId });
    if (change) changes.push(change);
    if (changes.length >= max) break;
  }
  tellLeaders(draft, changes, "their preferred leaders are back in sync");
  return changes.length;
}

/** Others lead what the broker leads, where one in sync is no last resort itself.
 * @param why continues "others lead them: " */
export function moveLeadersAway(draft: Draft, around: Around, nodeId: number, why: string): Changed[] {
  const changes: Changed[] = [];
  for (const partition of [...draft.state.topics.partitions.on(nodeId)]) {
    const leader = partition.leader === nodeId ? successorOf(partition, around) : undefined;
    const change = leader === undefined ? null : changePartition(draft, around, partition, { leader });
    if (change) changes.push(change);
  }
  tellLeaders(draft, changes, why);
  return changes;
}

/** Whether {@link moveLeadersAway} has anything to do. */
export function hasSuccessors({ topics }: State, around: Around, nodeId: number): boolean {
  for (const partition of topics.partitions.on(nodeId))
    if (partition.leader === nodeId && successorOf(partition, around) !== undefined) return true;
  return false;
}

/** Events of the leaders that came and went with the changes. */
export function tellLeaders(draft: Draft, changes: readonly Changed[], why: string): void {
  const moved = changes.filter(({ before, after }) => before.leaderEpoch !== after.leaderEpoch);
  const led = moved.filter(({ after }) => after.leader !== -1);
  const lost = moved.filter(({ after }) => after.leader === -1);
  const events = led.map(({ before, after }) => ({
    nodeId: after.leader,
    partition: after,
    text: () => `Broker ${after.leader} leads ${nameOf(draft, after)} in epoch ${after.leaderEpoch}${former(before)}: ${why}`,
  }));
  writePartitionEvents(draft, "elected", events, `others lead them: ${why}`);
  const orphans = lost.map(({ after }) => ({
    partition: after,
    text: () => `Nobody leads ${nameOf(draft, after)}: ${why}; it waits for one of brokers ${list(after.lastEligible)}`,
  }));
  writePartitionEvents(draft, "elected", orphans, `nobody leads them: ${why}; they wait for a broker that was in sync`);
}

/** @returns for the end of a sentence about one broker, what became of its partitions */
export function consequences(changes: readonly Changed[], nodeId: number): string {
  const led = changes.filter(({ before }) => before.leader === nodeId);
  const orphans = led.filter(({ after }) => after.leader === -1).length;
  const left = changes.filter(({ before }) => before.isr.includes(nodeId)).length;
  if (left === 0 && led.length === 0) return "";
  return `; it left the in-sync replicas of ${left} partitions, ${led.length - orphans} that it led have other leaders, ${orphans} have none`;
}

/** Partitions whose in-sync replicas are too few or enough again under a changed setting: who is eligible follows from it (P11). */
export function settleAfterSettings(draft: Draft, around: Around, partitions: Iterable<pb.PartitionRecord>): void {
  for (const partition of [...partitions]) if (partition.elr.length > 0) changePartition(draft, around, partition, {});
}

export function tellController(draft: Draft, nodeId: number, term: number): void {
  writeEvent(draft, "controller", { nodeId }, `Node ${nodeId} leads the controllers in term ${term}`);
}

export function list(nodes: readonly number[]): string {
  return `[${nodes.join(", ")}]`;
}

function successorOf({ replicas, removing, isr, leader }: pb.PartitionRecord, { lastResort }: Around): number | undefined {
  return replicas.find((each) => each !== leader && isr.includes(each) && !removing.includes(each) && !lastResort.has(each));
}

function former({ leader }: pb.PartitionRecord): string {
  return leader === -1 ? "" : ` after ${leader}`;
}
