import { type pb } from "@ottla/protocol";
import type { Draft } from "../draft.ts";
import type { State } from "../state.ts";
import { isUsable } from "../tables/brokers.ts";
import type { Around } from "./context.ts";
import { nameOf, writeEvent } from "./event.ts";
import { changePartition, minInSyncOf, type Changed } from "./partition-change.ts";

/** How far a partition is that only replicas can lead which may lack acknowledged records (P21): too few have said what they have, enough have, all have. */
export function recoveryStage(state: State, around: Around, partition: pb.PartitionRecord): "too few" | "enough" | "all" {
  const { reports, lastEligible, leader } = partition;
  if (leader !== -1 || reports.length === 0) return "too few";
  if (reports.length === lastEligible.length) return "all";
  return reports.length >= Math.min(minInSyncOf(state, around, partition), lastEligible.length) ? "enough" : "too few";
}

/** Elects the one that has the most of what is left, and records that the rest may be lost. The others of the last eligible ones are no candidates
 * any more: what they have beyond is another history.
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

/** Elects whoever is live, because the operator says so: of those that told what they have the one with the most, else any.
 * @returns null when none of the replicas is live */
export function electUnclean(draft: Draft, around: Around, partition: pb.PartitionRecord): Changed | null {
  const live = partition.replicas.filter((nodeId) => {
    const broker = draft.state.brokers.get(nodeId);
    return broker !== undefined && isUsable(broker);
  });
  const [most] = partition.reports.filter(({ nodeId }) => live.includes(nodeId)).sort(byContent);
  const forced = most?.nodeId ?? live[0];
  if (forced === undefined) return null;
  const change = changePartition(draft, around, partition, { forced });
  if (change) tellLoss(draft, change, `an operator had broker ${forced} elected without being in sync`, most);
  return change;
}

function byContent(a: pb.ReplicaReport, b: pb.ReplicaReport): number {
  return b.lastEpoch - a.lastEpoch || b.endOffset - a.endOffset;
}

function tellLoss(draft: Draft, { before, after }: Changed, why: string, report: pb.ReplicaReport | undefined): void {
  const has = report ? `, which ends at offset ${report.endOffset} of epoch ${report.lastEpoch}` : "";
  writeEvent(
    draft,
    "unclean",
    { nodeId: after.leader, partition: after },
    `Broker ${after.leader} leads ${nameOf(draft, after)} in epoch ${after.leaderEpoch}: ${why}${has}. Acknowledged records beyond it may be lost; candidates were [${before.lastEligible.join(", ")}]`,
  );
}
