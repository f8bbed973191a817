import type { Labels, Metric } from "@ottla/host";
import type { LogDirectory } from "@ottla/log";
import type { ClusterImage } from "@ottla/metadata";
import type { NodeConfig } from "@ottla/protocol";
import type { Partition } from "../partition/partition.ts";
import type { Partitions } from "../partition/partitions.ts";
import { clusterSamples } from "./cluster-samples.ts";
import { gauge } from "./gauge.ts";
import type { GroupLag } from "./group-lag.ts";
import type { TopicTraffic } from "./traffic.ts";

/** Topics with a label of their own; the traffic of the others is summed under {@link OTHERS}, so that a scrape stays bounded. */
const LABELLED_TOPICS = 1000;
const OTHERS = "_others";

export interface SampledParts {
  readonly nodeId: number;
  readonly config: NodeConfig;
  readonly partitions: Partitions;
  readonly image: ClusterImage;
  readonly directory: LogDirectory;
  readonly groupLag: GroupLag;
  readonly sessions: number;
  readonly kafkaConnections: number;
  readonly requestBytes: number;
  readonly answerBytes: number;
}

export function brokerSamples(parts: SampledParts): Metric[] {
  const { partitions, directory } = parts;
  const all = [...partitions.all()];
  const { freeBytes, limitBytes, low } = directory.freeSpace;
  return [
    ...trafficSamples([...partitions.traffic()]),
    ...replicationSamples([...partitions.traffic()]),
    ...partitionSamples(all),
    ...clusterSamples(parts.image, parts.config, parts.nodeId),
    ...parts.groupLag.samples(),
    gauge("kafka_server_replicamanager_partitioncount", "Partitions that this broker holds", all.length),
    gauge("ottla_broker_client_sessions", "Sessions that clients hold", parts.sessions),
    gauge("kafka_server_socketservermetrics_connection_count", "Connections that Kafka's clients hold", parts.kafkaConnections),
    gauge("ottla_broker_request_bytes", "Bytes of requests being worked on", parts.requestBytes),
    gauge("ottla_broker_answer_bytes", "Bytes of records and of large answers, not yet sent", parts.answerBytes),
    gauge("ottla_broker_stray_logs", "Logs on the disk that no topic names", partitions.strays().length),
    gauge("ottla_broker_failed_logs", "Logs that take no writes since one failed", all.filter(({ failed }) => failed).length),
    gauge(
      "ottla_broker_damaged_ranges",
      "Ranges of offsets whose bytes are damaged",
      all.reduce((sum, { log }) => sum + log.unserved.length, 0),
    ),
    gauge("ottla_broker_free_bytes", "Free bytes on the file system of the logs", freeBytes),
    gauge("ottla_broker_free_bytes_limit", "Free bytes below which writes are refused", limitBytes),
    gauge("ottla_broker_writes_refused", "1 while writes are refused for want of space", low ? 1 : 0),
  ];
}

function trafficSamples(topics: readonly TopicTraffic[]): Metric[] {
  const rows = topics.slice(0, LABELLED_TOPICS).map((traffic) => ({ labels: { topic: traffic.topic }, traffic }));
  const rest = topics.slice(LABELLED_TOPICS);
  const counter = (name: string, help: string, of: (traffic: TopicTraffic) => number): Metric => {
    const values = rows.map(({ labels, traffic }) => ({ labels: labels as Labels, value: of(traffic) }));
    if (rest.length > 0) values.push({ labels: { topic: OTHERS }, value: rest.reduce((sum, each) => sum + of(each), 0) });
    return { type: "counter", name, help, values };
  };
  return [
    counter("kafka_server_brokertopicmetrics_messagesin_total", "Records appended", ({ messagesIn }) => messagesIn),
    counter("kafka_server_brokertopicmetrics_bytesin_total", "Bytes of batches appended", ({ bytesIn }) => bytesIn),
    counter("kafka_server_brokertopicmetrics_bytesout_total", "Bytes of batches read by clients", ({ bytesOut }) => bytesOut),
  ];
}

/** Sums over all topics, as dashboards expect them. */
function replicationSamples(topics: readonly TopicTraffic[]): Metric[] {
  const counter = (name: string, help: string, of: (traffic: TopicTraffic) => number): Metric => ({
    type: "counter",
    name,
    help,
    values: [{ labels: {}, value: topics.reduce((sum, each) => sum + of(each), 0) }],
  });
  return [
    counter(
      "kafka_server_brokertopicmetrics_replicationbytesin_total",
      "Bytes of batches that came from leaders",
      ({ replicationBytesIn }) => replicationBytesIn,
    ),
    counter(
      "kafka_server_brokertopicmetrics_replicationbytesout_total",
      "Bytes of batches sent to followers",
      ({ replicationBytesOut }) => replicationBytesOut,
    ),
    counter(
      "kafka_server_replicamanager_isrshrinks_total",
      "Replicas that left the in-sync set of a partition led here",
      ({ inSyncShrinks }) => inSyncShrinks,
    ),
    counter(
      "kafka_server_replicamanager_isrexpands_total",
      "Replicas that came into the in-sync set of a partition led here",
      ({ inSyncExpands }) => inSyncExpands,
    ),
    counter("ottla_broker_leader_elections_total", "How often this broker became the leader of a partition", ({ elections }) => elections),
    counter(
      "ottla_broker_truncations_total",
      "How often the log of a partition was cut here where it differed from its leader's",
      ({ truncations }) => truncations,
    ),
    counter(
      "ottla_broker_truncated_records_total",
      "Offsets that were cut from logs where they differed from their leader's",
      ({ truncatedRecords }) => truncatedRecords,
    ),
  ];
}

/** In the style of JMX exporters and of kafka_exporter, which dashboards expect side by side. */
function partitionSamples(all: readonly Partition[]): Metric[] {
  const rows = all
    .slice(0, 10 * LABELLED_TOPICS)
    .map((partition) => ({ labels: { topic: partition.topicName, partition: String(partition.index) } as Labels, partition }));
  const series = (name: string, help: string, of: (partition: Partition) => number): Metric => ({
    type: "gauge",
    name,
    help,
    values: rows.map(({ labels, partition }) => ({ labels, value: of(partition) })),
  });
  return [
    series("kafka_log_log_size", "Bytes of the partition's log", ({ log }) => log.sizeBytes),
    series("kafka_log_log_logstartoffset", "First offset of the partition's log", ({ log }) => log.startOffset),
    series("kafka_log_log_logendoffset", "Next offset of the partition's log", ({ log }) => log.endOffset),
    series("kafka_topic_partition_current_offset", "High watermark of the partition", ({ highWatermark }) => highWatermark),
    series("kafka_topic_partition_oldest_offset", "First offset of the partition", ({ log }) => log.startOffset),
  ];
}
