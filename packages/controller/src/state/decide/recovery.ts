import { storedTopicSettings, topicSettings, type pb } from "@ottla/protocol";
import type { Draft } from "../draft.ts";
import type { State } from "../state.ts";
import { isUsable } from "../tables/brokers.ts";
import type { Around } from "./context.ts";
import { nameOf, writeEvent } from "./event.ts";
import { changePartition, minInSyncOf, type Changed } from "./partition-change.ts";

/** How far a partition is that only replicas can lead which may lack acknowledged records (P21): too few have said what they have, enough have, all have. */
function recoveryStage(state: State, around: Around, partition: pb.PartitionRecord): "too few" | "enough" | "all" {
  const { reports, lastEligible, leader } = partition;
  const heard = reports.filter(({ nodeId }) => lastEligible.includes(nodeId)).length;
  if (leader !== -1 || heard === 0) return "too few";
  if (heard === lastEligible.length) return "all";
  return heard >= Math.min(minInSyncOf(state, around, partition), lastEligible.length) ? "enough" : "too few";
}

/** Elects the one that has the most of what is left, and records that the rest may be lost; a damaged log counts up to its first damage. A replica
 * that was found unclean before the last eligible ones were is elected too when it has more: a log of a later epoch, or a longer one of the same,
 * holds whatever of the others was committed. Those that are not elected are no candidates any more: what they have beyond is another history.
 * @param waitedOut no more reports are waited for, nor for the broker with the most to be live */
export function electRecovered(draft: Draft, around: Around, partition: pb.PartitionRecord, waitedOut: boolean): Changed | null {
  const { state } = draft;
  const stage = recoveryStage(state, around, partition);
  if (stage === "too few" || (stage === "enough" && !waitedOut)) return null;
  const isLive = ({ nodeId }: pb.ReplicaReport): boolean => {
    const broker = state.brokers.get(nodeId);
    return broker !== undefined && isUsable(broker);
  };
  const [most] = partition.reports.filter((report) => !waitedOut || isLive(report)).sort(byContent);
  if (!most || !isLive(most)) return null;
  const change = changePartition(draft, around, partition, { forced: most.nodeId });
  if (change)
    tellLoss(draft, change, `the logs of all candidates were cut, damaged or replaced; that of broker ${most.nodeId} has the most`, most);
  return change;
}

/** Whether somebody is there who may lead although it may lack acknowledged records, if nobody better comes in time: enough candidates have said what
 * is left of their logs, or the topic's settings give up records for a leader. */
export function mayElectLacking(state: State, around: Around, partition: pb.PartitionRecord): boolean {
  if (recoveryStage(state, around, partition) !== "too few") return true;
  return givesUpRecords(state, around, partition) && liveReplicas(state, partition).length > 0;
}

/** Nobody better has come in time. */
export function electLacking(draft: Draft, around: Around, partition: pb.PartitionRecord): Changed | null {
  const recovered = electRecovered(draft, around, partition, true);
  if (recovered || !givesUpRecords(draft.state, around, partition)) return recovered;
  return electUnclean(draft, around, partition, `no broker that was in sync came back in time, and ${UNCLEAN_ELECTION} is true`);
}

/** Elects whoever is live: of those that told what they have the one with the most, else any, one that is only being added last.
 * @param why for people
 * @returns null when none of the replicas is live */
export function electUnclean(draft: Draft, around: Around, partition: pb.PartitionRecord, why: string): Changed | null {
  const live = liveReplicas(draft.state, partition);
  const [most] = partition.reports.filter(({ nodeId }) => live.includes(nodeId)).sort(byContent);
  const forced = most?.nodeId ?? live.find((nodeId) => !partition.adding.includes(nodeId)) ?? live[0];
  if (forced === undefined) return null;
  const change = changePartition(draft, around, partition, { forced });
  if (change) tellLoss(draft, change, why, most);
  return change;
}

const UNCLEAN_ELECTION = "unclean.leader.election.enable";

function givesUpRecords({ topics, brokerDefaults }: State, { config }: Around, partition: pb.PartitionRecord): boolean {
  const { configs } = topics.of(partition);
  if (!configs.has(UNCLEAN_ELECTION) && !brokerDefaults.has(UNCLEAN_ELECTION)) return false;
  return topicSettings(config, storedTopicSettings(brokerDefaults, configs)).uncleanLeaderElectionEnable;
}

function liveReplicas({ brokers }: State, { replicas }: pb.PartitionRecord): number[] {
  return replicas.filter((nodeId) => {
    const broker = brokers.get(nodeId);
    return broker !== undefined && isUsable(broker);
  });
}

function byContent(a: pb.ReplicaReport, b: pb.ReplicaReport): number {
  return b.lastEpoch - a.lastEpoch || b.endOffset - a.endOffset;
}

function tellLoss(draft: Draft, { before, after }: Changed, why: string, report: pb.ReplicaReport | undefined): void {
  const candidates = [...new Set([...before.lastEligible, ...before.reports.map(({ nodeId }) => nodeId)])];
  const has = report ? `; its log ends at offset ${report.endOffset} of epoch ${report.lastEpoch}` : "";
  writeEvent(
    draft,
    "unclean",
    { nodeId: after.leader, partition: after },
    `Broker ${after.leader} leads ${nameOf(draft, after)} in epoch ${after.leaderEpoch}: ${why}${has}. Acknowledged records that it lacks may be lost; candidates were [${candidates.join(", ")}]`,
  );
}
