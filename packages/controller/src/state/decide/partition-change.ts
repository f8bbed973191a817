import { minInSync } from "@ottla/metadata";
import { assert, uuidFromBytes, type pb } from "@ottla/protocol";
import type { Draft } from "../draft.ts";
import type { State } from "../state.ts";
import { isUsable } from "../tables/brokers.ts";
import type { Around } from "./context.ts";

/** What is to become of a partition; the rest follows from it. */
interface Wanted {
  readonly replicas?: readonly number[];
  readonly adding?: readonly number[];
  readonly removing?: readonly number[];
  readonly addingRate?: number;
  readonly isr?: readonly number[];
  /** Must not be eligible, whatever they held: they may lack acknowledged records (P9). */
  readonly unclean?: readonly number[];
  /** Leads instead of the present leader, if it is in sync. */
  readonly leader?: number;
  /** Leads although it may lack acknowledged records: a new history begins with what it has. */
  readonly forced?: number;
  /** What unclean replicas say of their logs, in place of what they said before. */
  readonly reports?: readonly pb.ReplicaReport[];
  /** The leader itself asks: it does lead, and followers go by its log instead of what they had. */
  readonly acted?: boolean;
}

/** A partition as it is and as it was. */
export interface Changed {
  readonly before: pb.PartitionRecord;
  readonly after: pb.PartitionRecord;
}

/** Brings a partition to what is wanted: in-sync and eligible replicas by P11, a leader from the in-sync or else the eligible ones, a reassignment
 * completed when it can be. Writes at most one record.
 * @returns null when nothing changes */
export function changePartition(draft: Draft, around: Around, before: pb.PartitionRecord, wanted: Wanted): Changed | null {
  const { state } = draft;
  const settled = completed(state, around, settle(state, around, before, wanted));
  const sameLeader = settled.leader === before.leader && settled.leaderBrokerEpoch === before.leaderBrokerEpoch;
  if (sameLeader && same(before, settled)) return null;
  // One that goes removes its log, and may hear late of it: what its leader knew of it must not count should it come back.
  const someGo = settled.leader !== -1 && !before.replicas.every((nodeId) => settled.replicas.includes(nodeId));
  const after = {
    ...settled,
    leaderEpoch: before.leaderEpoch + (sameLeader && !someGo && wanted.forced === undefined ? 0 : 1),
    partitionEpoch: before.partitionEpoch + 1,
  };
  check(state, after);
  draft.write({ case: "partition", value: after });
  return { before, after };
}

export function minInSyncOf(state: State, { config }: Around, partition: pb.PartitionRecord): number {
  const set = state.topics.of(partition).configs.get(MIN_IN_SYNC) ?? state.brokerDefaults.get(MIN_IN_SYNC);
  return minInSync(set === undefined ? config.minInsyncReplicas : Number(set), partition);
}

export const MIN_IN_SYNC = "min.insync.replicas";

/** Whether the record's leader is live in the incarnation that was elected. */
export function hasLeader(state: State, { leader, leaderBrokerEpoch }: pb.PartitionRecord): boolean {
  const broker = state.brokers.get(leader);
  return broker !== undefined && isUsable(broker) && broker.brokerEpoch === leaderBrokerEpoch;
}

function settle(state: State, around: Around, before: pb.PartitionRecord, wanted: Wanted): pb.PartitionRecord {
  const next = { ...before };
  if (wanted.replicas) next.replicas = [...wanted.replicas];
  if (wanted.adding) next.adding = [...wanted.adding];
  if (wanted.removing) next.removing = [...wanted.removing];
  if (wanted.addingRate !== undefined) next.addingRate = wanted.addingRate;
  const present = (nodes: readonly number[]): number[] => nodes.filter((nodeId) => next.replicas.includes(nodeId));
  next.isr = present(wanted.isr ?? before.isr);
  const eligible = (nodeId: number): boolean => !next.isr.includes(nodeId) && wanted.unclean?.includes(nodeId) !== true;
  next.elr = present([...new Set([...before.isr, ...before.elr])]).filter(eligible);
  if (wanted.forced !== undefined) {
    next.isr = [wanted.forced];
    next.elr = [];
  }
  const leader = chooseLeader(state, around, next, wanted.forced ?? wanted.leader);
  if (leader && next.isr.length === 0) {
    next.isr = [leader.nodeId];
    next.elr = next.elr.filter((nodeId) => nodeId !== leader.nodeId);
  }
  if (next.isr.length >= minInSyncOf(state, around, next)) next.elr = [];
  next.leader = leader?.nodeId ?? -1;
  next.leaderBrokerEpoch = leader?.brokerEpoch ?? 0;
  next.lastEligible = leader ? [] : present(before.leader === -1 ? before.lastEligible : [...new Set([...before.isr, ...before.elr])]);
  // They outlive the election of a leader that may have died with the rest, unheard, and comes back with less than they have.
  const reports = wanted.acted || wanted.forced !== undefined ? [] : [...(wanted.reports ?? []), ...before.reports];
  const counts = (nodeId: number): boolean => next.isr.includes(nodeId) || next.elr.includes(nodeId);
  next.reports = next.replicas.flatMap((nodeId) => (counts(nodeId) ? [] : (reports.find((report) => report.nodeId === nodeId) ?? [])));
  return next;
}

/** The one asked for, else the one that leads, else the first of the replicas that can: in sync, or, with none in sync, eligible. */
function chooseLeader(
  state: State,
  { lastResort }: Around,
  { replicas, isr, elr, leader, leaderBrokerEpoch }: pb.PartitionRecord,
  asked: number | undefined,
): pb.BrokerRecord | undefined {
  const candidates = replicas.flatMap((nodeId) => {
    const broker = state.brokers.get(nodeId);
    return broker && isUsable(broker) && (isr.length > 0 ? isr : elr).includes(nodeId) ? [broker] : [];
  });
  return (
    candidates.find(({ nodeId }) => nodeId === asked) ??
    candidates.find(({ nodeId, brokerEpoch }) => nodeId === leader && brokerEpoch === leaderBrokerEpoch) ??
    candidates.find(({ nodeId }) => !lastResort.has(nodeId)) ??
    candidates[0]
  );
}

/** A reassignment whose added replicas are all in sync, without those that go; later, when too few would be in sync without them (P18). */
function completed(state: State, around: Around, partition: pb.PartitionRecord): pb.PartitionRecord {
  const { adding, removing, replicas, isr, leader } = partition;
  if (adding.length === 0 && removing.length === 0) return partition;
  if (leader === -1 || !adding.every((nodeId) => isr.includes(nodeId))) return partition;
  const kept = { ...partition, replicas: replicas.filter((nodeId) => !removing.includes(nodeId)), adding: [] };
  const inSync = isr.filter((nodeId) => kept.replicas.includes(nodeId));
  const enough = inSync.length >= minInSyncOf(state, around, kept);
  const wasShort = isr.length < minInSyncOf(state, around, partition) && inSync.length === isr.length;
  if (inSync.length === 0 || !(enough || wasShort)) return partition;
  return settle(state, around, partition, { replicas: kept.replicas, adding: [], removing: [], addingRate: 0, isr: inSync });
}

function same(a: pb.PartitionRecord, b: pb.PartitionRecord): boolean {
  return (
    a.addingRate === b.addingRate &&
    sameList(a.replicas, b.replicas) &&
    sameMembers(a.isr, b.isr) &&
    sameMembers(a.elr, b.elr) &&
    sameMembers(a.adding, b.adding) &&
    sameMembers(a.removing, b.removing) &&
    sameMembers(a.lastEligible, b.lastEligible) &&
    a.reports.length === b.reports.length &&
    a.reports.every((report, at) => {
      const other = b.reports[at];
      return other?.nodeId === report.nodeId && other.lastEpoch === report.lastEpoch && other.endOffset === report.endOffset;
    })
  );
}

export function sameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((each, at) => each === b[at]);
}

function sameMembers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((each) => b.includes(each));
}

/** P11, that only live brokers are in sync, and that the leader is. */
function check(state: State, record: pb.PartitionRecord): void {
  const { replicas, isr, elr, leader } = record;
  const live = isr.every((nodeId) => {
    const broker = state.brokers.get(nodeId);
    return broker !== undefined && isUsable(broker);
  });
  const apart =
    isr.every((nodeId) => replicas.includes(nodeId) && !elr.includes(nodeId)) && elr.every((nodeId) => replicas.includes(nodeId));
  const led = leader === -1 ? isr.length === 0 : isr.includes(leader);
  // The text is made only if it is needed: thousands of partitions may change at once.
  if (!live || !apart || !led)
    assert(false, `a partition became ${JSON.stringify({ ...record, topicId: uuidFromBytes(record.topicId) })} (P11)`);
}
