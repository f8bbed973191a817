import type { Metric } from "@ottla/host";
import type { Replica } from "./replica.ts";

/** What the controller reports of its state, under the names that dashboards for Kafka expect where there is one. */
export function stateMetrics({ state, pump, appliedIndex, damagedCheckpoints }: Replica, sessions: number, fencings: number): Metric[] {
  const brokers = [...state.brokers.all()];
  let offline = 0;
  for (const { partitions } of state.topics.all()) {
    for (const { leader } of partitions) if (state.brokers.get(leader)?.fenced !== false) offline++;
  }
  return [
    gauge("kafka_controller_kafkacontroller_activecontrollercount", "1 at the controller that leads", pump.leading ? 1 : 0),
    gauge(
      "kafka_controller_kafkacontroller_activebrokercount",
      "Brokers that are registered and not fenced",
      brokers.filter(({ fenced }) => !fenced).length,
    ),
    gauge(
      "kafka_controller_kafkacontroller_fencedbrokercount",
      "Brokers that are registered and fenced",
      brokers.filter(({ fenced }) => fenced).length,
    ),
    {
      type: "counter",
      name: "ottla_controller_fencings_total",
      help: "How often this controller, while it led, fenced a broker that went silent or away",
      values: [{ labels: {}, value: fencings }],
    },
    gauge("kafka_controller_kafkacontroller_globaltopiccount", "Topics in the cluster", state.topics.count),
    gauge("kafka_controller_kafkacontroller_globalpartitioncount", "Partitions in the cluster", state.topics.partitionCount),
    gauge("kafka_controller_kafkacontroller_offlinepartitionscount", "Partitions without a live leader", offline),
    gauge(
      "kafka_controller_kafkacontroller_lastappliedrecordoffset",
      "Last entry of the controller's log that is applied here",
      appliedIndex,
    ),
    gauge("ottla_controller_groups", "Groups with committed offsets", state.offsets.groupCount),
    gauge("ottla_controller_committed_offsets", "Committed offsets of all groups", state.offsets.count),
    gauge("ottla_controller_sessions", "Sessions of brokers with this controller", sessions),
    gauge("ottla_controller_queued_commands", "Commands that wait to be decided", pump.queued),
    gauge("ottla_controller_damaged_checkpoints", "Checkpoints that could not be used at the start of this process", damagedCheckpoints),
  ];
}

function gauge(name: string, help: string, value: number): Metric {
  return { type: "gauge", name, help, values: [{ labels: {}, value }] };
}
