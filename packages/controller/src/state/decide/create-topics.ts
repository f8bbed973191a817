import { checkTopicConfig, checkTopicName, ProtocolError, uuidFromBytes, type pb } from "@ottla/protocol";
import { RESOURCE_TOPIC } from "../state.ts";
import { TooFewBrokers, type Context } from "./context.ts";
import { failure } from "./failure.ts";
import { checkAssignment, newPartition, placeReplicas } from "./placement.ts";

/** As in Kafka. Of one command and, for one topic, at all. */
export const MAX_PARTITIONS_PER_COMMAND = 10_000;
export const MAX_PARTITIONS_PER_CLUSTER = 200_000;
/** A voter that runs is heard of more often. */
const RUNS_WITHIN_MS = 1000;

/** @throws TooFewBrokers while brokers that a topic needs may still come */
export function createTopics(context: Context, call: pb.CreateTopicsCall): pb.CreateTopicsAnswer {
  const budget = { partitions: MAX_PARTITIONS_PER_COMMAND };
  const plans = call.topics.map((topic) => planned(context, topic, budget));
  const named = new Map<string, number>();
  for (const { name } of call.topics) named.set(name, (named.get(name) ?? 0) + 1);
  const topics = plans.map((plan): pb.CreatedTopic => {
    if ("errorCode" in plan) return plan;
    try {
      if (named.get(plan.topic.name) !== 1)
        throw new ProtocolError("INVALID_REQUEST", `Cannot create topic "${plan.topic.name}": the request names it twice`);
      return create(context, plan, call.validateOnly);
    } catch (error) {
      return refused(plan.topic, error);
    }
  });
  return { topics };
}

interface Plan {
  readonly topic: pb.NewTopic;
  readonly partitions: number;
  readonly factor: number;
}

function planned(context: Context, topic: pb.NewTopic, budget: { partitions: number }): Plan | pb.CreatedTopic {
  try {
    const plan = planOf(context, topic);
    budget.partitions -= plan.partitions;
    if (budget.partitions < 0)
      throw new ProtocolError(
        "POLICY_VIOLATION",
        `Cannot create topic "${topic.name}": one request may create ${MAX_PARTITIONS_PER_COMMAND} partitions, with this topic it has ${MAX_PARTITIONS_PER_COMMAND - budget.partitions}; split the request`,
      );
    return plan;
  } catch (error) {
    return refused(topic, error);
  }
}

function planOf(context: Context, topic: pb.NewTopic): Plan {
  const { state } = context.draft;
  checkTopicName(topic.name);
  if (state.topics.byName(topic.name))
    throw new ProtocolError("TOPIC_ALREADY_EXISTS", `Cannot create topic "${topic.name}": it exists already`);
  for (const { name, value } of topic.configs) if (value !== undefined) checkTopicConfig(name, value);
  if (topic.assignments.length > 0) {
    if (topic.partitions !== -1 || topic.replicationFactor !== -1)
      throw new ProtocolError(
        "INVALID_REQUEST",
        `Cannot create topic "${topic.name}": it has an explicit assignment, so partitions and replication factor must be -1, not ${topic.partitions} and ${topic.replicationFactor}`,
      );
    return { topic, partitions: topic.assignments.length, factor: topic.assignments[0]?.nodes.length ?? 0 };
  }
  const partitions = topic.partitions === -1 ? context.config.numPartitions : topic.partitions;
  if (partitions < 1)
    throw new ProtocolError(
      "INVALID_PARTITIONS",
      `Cannot create topic "${topic.name}" with ${partitions} partitions: at least 1, or -1 for the default of ${context.config.numPartitions}`,
    );
  return { topic, partitions, factor: replicationFactor(context, topic) };
}

function replicationFactor(context: Context, { name, replicationFactor }: pb.NewTopic): number {
  const { brokers } = context.draft.state;
  const asked = replicationFactor === -1 ? context.config.defaultReplicationFactor : replicationFactor;
  if (asked !== -1 && asked < 1)
    throw new ProtocolError(
      "INVALID_REPLICATION_FACTOR",
      `Cannot create topic "${name}" with replication factor ${asked}: at least 1, or -1 for the default`,
    );
  const factor = asked === -1 ? Math.min(3, Math.max(brokers.count, context.voterCount)) : asked;
  const live = brokers.placeable().length;
  if (live >= factor) return factor;
  const draining = [...brokers.all()].filter((broker) => broker.draining).length;
  const mayLive = brokers.count - draining;
  if (context.mayWait && (factor <= mayLive || (context.mayRegister && factor <= mayLive + runningVoters(context))))
    throw new TooFewBrokers();
  const drained = draining === 0 ? "" : `, ${draining} being drained`;
  throw new ProtocolError(
    "INVALID_REPLICATION_FACTOR",
    `Cannot create topic "${name}" with ${factor} ${factor === 1 ? "replica" : "replicas"}: ${live} of ${brokers.count} registered brokers ${live === 1 ? "is" : "are"} live${drained}; start more brokers or ask for a replication factor of at most ${Math.max(1, live)}`,
  );
}

/** Voters that run and have never registered as brokers: they are about to, or have no such role. */
function runningVoters({ draft, quorum }: Context): number {
  return quorum
    .members()
    .filter(
      ({ nodeId, voter, silentMs }) => voter && silentMs >= 0 && silentMs < RUNS_WITHIN_MS && draft.state.brokers.get(nodeId) === undefined,
    ).length;
}

function create({ draft }: Context, { topic, partitions, factor }: Plan, validateOnly: boolean): pb.CreatedTopic {
  const { state } = draft;
  const collision = state.topics.byMetricName(topic.name);
  if (collision)
    throw new ProtocolError(
      "INVALID_TOPIC_EXCEPTION",
      `Cannot create topic "${topic.name}": topic "${collision.name}" exists, and names that differ only in '.' and '_' would share their metrics; choose another name`,
    );
  if (state.topics.partitionCount + partitions > MAX_PARTITIONS_PER_CLUSTER)
    throw new ProtocolError(
      "POLICY_VIOLATION",
      `Cannot create topic "${topic.name}" with ${partitions} partitions: the cluster has ${state.topics.partitionCount}, at most ${MAX_PARTITIONS_PER_CLUSTER} may be`,
    );
  topic.assignments.forEach(({ nodes }, partition) => checkAssignment(state, partition, nodes, factor));
  const replicas = topic.assignments.length > 0 ? topic.assignments.map(({ nodes }) => nodes) : placeReplicas(state, partitions, factor);
  const topicId = draft.random.uuid();
  const created = { name: topic.name, topicId, errorCode: 0, errorMessage: "", partitions, replicationFactor: factor };
  if (validateOnly) return { ...created, topicId: new Uint8Array(0) };
  draft.write({ case: "topic", value: { topicId, name: topic.name } });
  replicas.forEach((nodes, partition) => draft.write({ case: "partition", value: newPartition(state, topicId, partition, nodes) }));
  const resource = uuidFromBytes(topicId);
  for (const { name, value } of topic.configs) {
    if (value !== undefined) draft.write({ case: "config", value: { resourceType: RESOURCE_TOPIC, resource, name, value } });
  }
  return created;
}

function refused(topic: pb.NewTopic, error: unknown): pb.CreatedTopic {
  return { name: topic.name, topicId: new Uint8Array(0), partitions: 0, replicationFactor: 0, ...failure(error) };
}
