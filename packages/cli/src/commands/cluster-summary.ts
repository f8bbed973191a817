import type { ClusterDescription, LogDirDescription, PartitionDescription, QuorumDescription, TopicDescription } from "@ottla/client";
import { isAway, troubleOf } from "../output/partition-trouble.ts";

/** What was seen of a cluster, by one who asked all of it at the same time. */
export interface ClusterView {
  readonly cluster: ClusterDescription;
  readonly topics: readonly TopicDescription[];
  /** Null when no controller answered. */
  readonly quorum: QuorumDescription | null;
  readonly directories: readonly LogDirDescription[];
  /** Brokers that the cluster holds for live, and that did not answer. */
  readonly silent: readonly number[];
}

export interface Summary {
  readonly healthy: boolean;
  readonly topics: number;
  readonly partitions: number;
  readonly offline: number;
  readonly belowMinIsr: number;
  readonly underReplicated: number;
  readonly reassigning: number;
  readonly damaged: number;
  readonly fenced: readonly number[];
  readonly silent: readonly number[];
  readonly draining: readonly number[];
  /** Voters that the leading controller has not heard of for a while. */
  readonly silentVoters: readonly number[];
  /** Partitions that another replica than the preferred one leads although that one could, in percent. */
  readonly imbalancePercent: number;
  /** Why it is not healthy, the worst first. */
  readonly troubles: readonly string[];
}

/** A voter that says nothing for so long is of no help to the majority. */
const SILENT_VOTER_MS = 3_000;

export function summary({ cluster, topics, quorum, directories, silent }: ClusterView): Summary {
  const partitions = topics.flatMap((topic) => topic.partitions);
  const troubles = countTroubles(partitions);
  const damaged = directories.flatMap((directory) => directory.partitions).filter((one) => one.damaged.length > 0).length;
  const fenced = cluster.nodes.filter((node) => node.broker && node.fenced).map(({ nodeId }) => nodeId);
  const draining = cluster.nodes.filter((node) => node.draining).map(({ nodeId }) => nodeId);
  const silentVoters = (quorum?.members ?? [])
    .filter(({ voter, nodeId, silentMs }) => voter && nodeId !== quorum?.leaderId && (silentMs < 0 || silentMs > SILENT_VOTER_MS))
    .map(({ nodeId }) => nodeId);
  const texts = [
    ...(quorum === null ? ["no controller leads, or none answers"] : []),
    ...counted(troubles.offline, "has no leader", "have no leader"),
    ...counted(troubles["below-min-isr"], "is below min.insync.replicas", "are below min.insync.replicas"),
    ...counted(troubles["under-replicated"], "is under-replicated", "are under-replicated"),
    ...counted(damaged, "has damaged records (see topic describe)", "have damaged records (see topic describe)"),
    ...(fenced.length > 0 ? [`${nodes("broker", fenced)} fenced`] : []),
    ...(silent.length > 0 ? [`${nodes("broker", silent)} not answering`] : []),
    ...(silentVoters.length > 0 ? [`${nodes("controller", silentVoters)} not answering the leader`] : []),
  ];
  const away = partitions.filter(isAway).length;
  return {
    healthy: texts.length === 0,
    topics: topics.length,
    partitions: partitions.length,
    offline: troubles.offline,
    belowMinIsr: troubles["below-min-isr"],
    underReplicated: troubles["under-replicated"],
    reassigning: partitions.filter(({ adding, removing }) => adding.length + removing.length > 0).length,
    damaged,
    fenced,
    silent,
    draining,
    silentVoters,
    imbalancePercent: partitions.length === 0 ? 0 : Math.round((away * 1000) / partitions.length) / 10,
    troubles: texts,
  };
}

function countTroubles(partitions: readonly PartitionDescription[]): {
  offline: number;
  "below-min-isr": number;
  "under-replicated": number;
} {
  const counts = { offline: 0, "below-min-isr": 0, "under-replicated": 0 };
  for (const partition of partitions) {
    const trouble = troubleOf(partition);
    if (trouble !== null) counts[trouble]++;
  }
  return counts;
}

function counted(count: number, one: string, many: string): string[] {
  return count === 0 ? [] : [count === 1 ? `1 partition ${one}` : `${count} partitions ${many}`];
}

function nodes(kind: string, ids: readonly number[]): string {
  return ids.length === 1 ? `${kind} ${ids[0]} is` : `${kind}s ${ids.join(", ")} are`;
}
