import type { Metric } from "@ottla/host";
import type { pb } from "@ottla/protocol";
import type { Link } from "./link.ts";
import type { QuorumStatus } from "./options.ts";

export interface RaftSamples {
  readonly status: QuorumStatus;
  readonly members: readonly pb.QuorumMember[];
  readonly logBytes: number;
  readonly uncommittedBytes: number;
  readonly elections: number;
  /** Now, at a leader. */
  readonly suspended: number;
  readonly suspensions: number;
  readonly slowestWriteMs: number;
  readonly snapshotsSent: number;
  readonly snapshotsReceived: number;
  readonly links: ReadonlyMap<number, Link>;
}

/** Names as the JMX exporter gives to Kafka's `raft-metrics`, where Kafka has them. */
export function raftMetrics(o: RaftSamples): Metric[] {
  const { status } = o;
  const metrics = [
    gauge("kafka_server_raft_metrics_current_leader", "Node id of the controller that leads, -1 when unknown", status.leader),
    gauge("kafka_server_raft_metrics_current_epoch", "Raft term", status.term),
    gauge("kafka_server_raft_metrics_high_watermark", "Index up to which entries are committed", status.commitIndex),
    gauge("kafka_server_raft_metrics_log_end_offset", "Index of the last entry", status.lastIndex),
    gauge("kafka_server_raft_metrics_number_of_voters", "Controllers that vote", status.voters.length),
    gauge("ottla_raft_log_bytes", "Size of the controller's log on disk", o.logBytes),
    gauge("ottla_raft_uncommitted_bytes", "Bytes proposed and not committed", o.uncommittedBytes),
    gauge(
      "ottla_raft_write_waiting_seconds",
      "How long the oldest write of the controller's log or vote has not been on disk",
      o.slowestWriteMs / 1000,
    ),
    counter("ottla_raft_elections_total", "Elections in which this controller stood", o.elections),
    gauge("ottla_raft_suspended_voters", "Voters that hold less than they acknowledged and do not count for this leader", o.suspended),
    counter(
      "ottla_raft_suspensions_total",
      "Times that a voter, this one included, was found to hold less than it had acknowledged",
      o.suspensions,
    ),
    counter("ottla_raft_snapshots_sent_total", "States sent to controllers whose entries were gone", o.snapshotsSent),
    counter("ottla_raft_snapshots_received_total", "States taken from the leader", o.snapshotsReceived),
  ];
  if (status.role === "leader" && o.members.length > 1) {
    const values = o.members.map(({ nodeId, voter, matchIndex }) => ({
      labels: { peer: String(nodeId), voter: String(voter) },
      value: Math.max(0, status.lastIndex - matchIndex),
    }));
    metrics.push({
      type: "gauge",
      name: "ottla_raft_peer_lag_entries",
      help: "Entries that the other controller is not known to hold",
      values,
    });
  }
  if (o.links.size === 0) return metrics;
  const peers = [...o.links].map(([nodeId, link]) => ({ labels: { peer: String(nodeId) }, link }));
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

function counter(name: string, help: string, value: number): Metric {
  return { type: "counter", name, help, values: [{ labels: {}, value }] };
}

function gauge(name: string, help: string, value: number): Metric {
  return { type: "gauge", name, help, values: [{ labels: {}, value }] };
}
