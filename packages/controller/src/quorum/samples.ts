import type { Metric } from "@ottla/host";
import type { Link } from "./link.ts";
import type { QuorumStatus } from "./options.ts";

/** Names as the JMX exporter gives to Kafka's `raft-metrics`, where Kafka has them. */
export function raftMetrics(status: QuorumStatus, logBytes: number, uncommittedBytes: number, links: ReadonlyMap<number, Link>): Metric[] {
  const metrics = [
    gauge("kafka_server_raft_metrics_current_leader", "Node id of the controller that leads, -1 when unknown", status.leader),
    gauge("kafka_server_raft_metrics_current_epoch", "Raft term", status.term),
    gauge("kafka_server_raft_metrics_high_watermark", "Index up to which entries are committed", status.commitIndex),
    gauge("kafka_server_raft_metrics_log_end_offset", "Index of the last entry", status.lastIndex),
    gauge("ottla_raft_log_bytes", "Size of the controller's log on disk", logBytes),
    gauge("ottla_raft_uncommitted_bytes", "Bytes proposed and not committed", uncommittedBytes),
  ];
  if (links.size === 0) return metrics;
  const peers = [...links].map(([nodeId, link]) => ({ labels: { peer: String(nodeId) }, link }));
  metrics.push(
    {
      type: "gauge",
      name: "ottla_raft_peer_connected",
      help: "1 while the stream to the other controller is open",
      values: peers.map(({ labels, link }) => ({ labels, value: link.connected ? 1 : 0 })),
    },
    {
      type: "counter",
      name: "ottla_raft_peer_dropped_messages_total",
      help: "Messages not sent because the other controller was not connected or did not read",
      values: peers.map(({ labels, link }) => ({ labels, value: link.dropped })),
    },
  );
  return metrics;
}

function gauge(name: string, help: string, value: number): Metric {
  return { type: "gauge", name, help, values: [{ labels: {}, value }] };
}
