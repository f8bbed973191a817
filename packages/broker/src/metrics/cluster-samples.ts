import type { Labels, Metric } from "@ottla/host";
import { type ClusterImage, minInSync } from "@ottla/metadata";
import type { NodeConfig, pb } from "@ottla/protocol";
import { effectiveSettings } from "../partition/settings.ts";
import { gauge } from "./gauge.ts";

/** Partitions with series of their own, so that a scrape stays bounded. */
const LABELLED_PARTITIONS = 10_000;

interface Led {
  readonly labels: Labels;
  readonly record: pb.PartitionRecord;
}

/** The cluster as this broker knows it, beside what controllers tell. What is said of a partition is told by its leader, so that sums over all
 * nodes are right; what is one number for the whole cluster is the same on all of them. */
export function clusterSamples(image: ClusterImage, config: NodeConfig, nodeId: number): Metric[] {
  const led: Led[] = [];
  const count = { led: 0, away: 0, moving: 0, underReplicated: 0, underMinIsr: 0, atMinIsr: 0 };
  for (const topic of image.topics()) {
    const { minInsyncReplicas } = effectiveSettings(config, image, topic);
    for (const record of topic.partitions) {
      const { leader, replicas, isr, adding, removing } = record;
      if (leader >= 0 && leader !== replicas[0]) count.away++;
      if (adding.length + removing.length > 0) count.moving++;
      if (leader !== nodeId) continue;
      count.led++;
      if (led.length < LABELLED_PARTITIONS) led.push({ labels: { topic: topic.name, partition: String(record.partition) }, record });
      const least = minInSync(minInsyncReplicas, record);
      if (isUnderReplicated(record)) count.underReplicated++;
      if (isr.length < least) count.underMinIsr++;
      else if (isr.length === least) count.atMinIsr++;
    }
  }
  return [...ownSamples(count), ...wholeSamples(image, count), ...partitionSeries(led)];
}

function ownSamples(count: { led: number; underReplicated: number; underMinIsr: number; atMinIsr: number }): Metric[] {
  return [
    gauge("kafka_server_replicamanager_leadercount", "Partitions that this broker leads", count.led),
    gauge("kafka_server_replicamanager_underreplicatedpartitions", "Partitions led here with replicas out of sync", count.underReplicated),
    gauge(
      "kafka_server_replicamanager_underminisrpartitioncount",
      "Partitions led here with fewer replicas in sync than min.insync.replicas: they take no writes with acks=all",
      count.underMinIsr,
    ),
    gauge(
      "kafka_server_replicamanager_atminisrpartitioncount",
      "Partitions led here with just min.insync.replicas in sync: one more loss stops their writes",
      count.atMinIsr,
    ),
  ];
}

function wholeSamples(image: ClusterImage, count: { away: number; moving: number }): Metric[] {
  const brokers = [...image.brokers.values()];
  const live = brokers.filter(({ fenced }) => !fenced).length;
  const draining = brokers.filter((broker) => broker.draining).length;
  return [
    gauge("kafka_brokers", "Brokers of the cluster that are not fenced", live),
    gauge(
      "kafka_controller_kafkacontroller_preferredreplicaimbalancecount",
      "Partitions that another replica than the preferred one leads",
      count.away,
    ),
    gauge("ottla_cluster_reassigning_partitions", "Partitions whose replicas are being moved", count.moving),
    gauge("ottla_cluster_draining_brokers", "Brokers that are being drained", draining),
  ];
}

/** In the style of kafka_exporter. */
function partitionSeries(led: readonly Led[]): Metric[] {
  const series = (name: string, help: string, of: (record: pb.PartitionRecord) => number): Metric => ({
    type: "gauge",
    name,
    help,
    values: led.map(({ labels, record }) => ({ labels, value: of(record) })),
  });
  return [
    series("kafka_topic_partition_leader", "Node id of the partition's leader", ({ leader }) => leader),
    series("kafka_topic_partition_leader_is_preferred", "1 if the preferred replica leads", ({ leader, replicas }) =>
      leader === replicas[0] ? 1 : 0,
    ),
    series("kafka_topic_partition_replicas", "Replicas of the partition", ({ replicas }) => replicas.length),
    series("kafka_topic_partition_in_sync_replica", "Replicas of the partition that are in sync", ({ isr }) => isr.length),
    series("kafka_topic_partition_under_replicated_partition", "1 if a replica is out of sync", (record) =>
      isUnderReplicated(record) ? 1 : 0,
    ),
  ];
}

/** A replica that is being added is not missed yet. */
function isUnderReplicated({ replicas, isr, adding }: pb.PartitionRecord): boolean {
  return replicas.some((nodeId) => !isr.includes(nodeId) && !adding.includes(nodeId));
}
