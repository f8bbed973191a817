import { createRequire } from "node:module";
import type { Admin, CompressionTypes as CompressionType, ConfigResourceTypes as ConfigResourceType, Message } from "kafkajs";
import { nodeHost } from "@ottla/host";
import type { Client, Session } from "../client.ts";
import type { Codec, Sent } from "../record.ts";

// Not all that this CommonJS module exports is found by name when it is imported.
const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = createRequire(import.meta.url)(
  "kafkajs",
) as typeof import("kafkajs");
const perBatch = 100;
const noReading = "kafkajs reads only as a member of a consumer group";

export const kafkajs: Client = {
  name: "kafkajs",
  version: "kafkajs 2.2.4 (gzip its own; snappy, lz4 and zstd plugged in, as it asks for)",
  whyNot: () => null,
  open,
  missing: {
    "read-offset": noReading,
    "read-codecs": noReading,
    "read-fields": noReading,
    "read-time": noReading,
    "read-failover": noReading,
    "max-timestamp": "kafkajs has no such call",
    "log-dirs": "kafkajs has no such call",
    "api-versions": "it asks with every connection and shows nobody",
    quorum: "kafkajs has no such call",
    elect: "kafkajs has no such call",
    verifiable: "a tool of Kafka's own",
    "verifiable-failover": "a tool of Kafka's own",
    performance: "a tool of Kafka's own",
  },
};

const kinds = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} as const satisfies Readonly<Record<Codec, CompressionType>>;

async function open(bootstrap: string): Promise<Session> {
  const { codecs } = nodeHost();
  for (const name of ["snappy", "lz4", "zstd"] as const)
    CompressionCodecs[kinds[name]] = () => ({
      compress: async ({ buffer }: { readonly buffer: Buffer }) => Buffer.from(await codecs.compress(name, buffer)),
      decompress: async (data: Buffer) => Buffer.from(await codecs.decompress(name, data, 2 ** 24)),
    });
  const kafka = new Kafka({
    brokers: bootstrap.split(","),
    clientId: "compat",
    logLevel: logLevel.NOTHING,
    retry: { retries: 100, initialRetryTime: 50, maxRetryTime: 500 },
  });
  const admin = kafka.admin();
  await admin.connect();
  return {
    async produce({ topic, partition }, records, { codec = "none", idempotent = false }) {
      const producer = kafka.producer({ idempotent, maxInFlightRequests: 1 });
      await producer.connect();
      const send = (messages: readonly Message[]): Promise<unknown> =>
        producer.send({ topic, acks: -1, compression: kinds[codec], messages: [...messages] });
      let pending: Message[] = [];
      for await (const record of records) {
        pending.push(message(record, partition));
        if (pending.length === perBatch) await send(pending.splice(0));
      }
      if (pending.length > 0) await send(pending);
      pending = [];
      await producer.disconnect();
    },
    async createTopic(topic, numPartitions, configs) {
      const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
      const made = await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions, configEntries }] });
      if (!made) throw new Error(`kafkajs says that ${topic} already exists`);
    },
    listTopics: () => admin.listTopics(),
    async describeTopic(topic) {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const partitions = (topics[0]?.partitions ?? []).toSorted((a, b) => a.partitionId - b.partitionId);
      return { partitions: partitions.map(({ leader, replicas, isr }) => ({ leader, replicas, inSync: isr })) };
    },
    deleteTopic: (topic) => admin.deleteTopics({ topics: [topic] }),
    async addPartitions(topic, count) {
      await admin.createPartitions({ topicPartitions: [{ topic, count }] });
    },
    topicConfigs: (topic) => configs(admin, ConfigResourceTypes.TOPIC, topic),
    brokerConfigs: (nodeId) => configs(admin, ConfigResourceTypes.BROKER, String(nodeId)),
    async setTopicConfig(topic, name, value) {
      await admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name, value }] }],
      });
    },
    async offsetAt({ topic, partition }, at) {
      const found =
        typeof at === "object"
          ? (await admin.fetchTopicOffsetsByTimestamp(topic, at.timeMs)).find((one) => one.partition === partition)?.offset
          : (await admin.fetchTopicOffsets(topic)).find((one) => one.partition === partition)?.[at === "earliest" ? "low" : "high"];
      if (found === undefined) throw new Error(`No offset for partition ${partition} of ${topic}`);
      return Number(found);
    },
    async deleteRecords({ topic, partition }, before) {
      // It finds the leader in what it knows of the topic, and this makes it know the topic.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] });
      const offsets = await admin.fetchTopicOffsets(topic);
      return Number(offsets.find((one) => one.partition === partition)?.low);
    },
    async cluster() {
      const { brokers, clusterId } = await admin.describeCluster();
      return { nodeIds: brokers.map(({ nodeId }) => nodeId), clusterId };
    },
    async reassign({ topic, partition }, replicas) {
      await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment: [{ partition, replicas: [...replicas] }] }] });
    },
    [Symbol.asyncDispose]: () => admin.disconnect(),
  };
}

function message({ key, value, headers, timestampMs }: Sent, partition: number): Message {
  return {
    partition,
    key,
    value,
    headers: Object.fromEntries(headers),
    ...(timestampMs === undefined ? {} : { timestamp: String(timestampMs) }),
  };
}

async function configs(admin: Admin, type: ConfigResourceType, name: string): Promise<Record<string, string>> {
  const { resources } = await admin.describeConfigs({ includeSynonyms: true, resources: [{ type, name }] });
  return Object.fromEntries((resources[0]?.configEntries ?? []).map(({ configName, configValue }) => [configName, configValue]));
}
