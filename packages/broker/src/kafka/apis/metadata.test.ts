import { errors, kafka, type pb, type Uuid } from "@ottla/protocol";
import { expect, test } from "vitest";
import { startBroker } from "../../broker.test.kit.ts";
import { kafkaApis } from "../apis.ts";
import type { BrokerParts } from "../../operations/context.ts";
import { KafkaClient, kafkaRig } from "./data/kafka-client.test.kit.ts";

const { apiVersions, metadata } = kafka.apis;
const NO_ID = "0".repeat(32) as Uuid;
const who = { clientSoftwareName: "test", clientSoftwareVersion: "1" };

function asked(topics: readonly { name: string | null; topicId?: Uuid }[] | null, allowAutoTopicCreation = false) {
  return {
    topics: topics?.map(({ name, topicId = NO_ID }) => ({ name, topicId })) ?? null,
    allowAutoTopicCreation,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  };
}

test.each([0, 1, 2, 3, 4])("ApiVersions %i lists what is answered, as often as it is asked", async (version) => {
  const rig = await startBroker();
  const client = await KafkaClient.connect(rig);
  const parts = { config: rig.config, clock: rig.host.clock, random: rig.host.random } as unknown as BrokerParts;
  const table = [...kafkaApis(parts).values()];
  for (let i = 0; i < 2; i++) {
    const { errorCode, apiKeys } = await client.ask(apiVersions, version, who);
    expect(errorCode).toBe(0);
    expect(apiKeys).toEqual(
      table
        .map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion }))
        .sort((one, other) => one.apiKey - other.apiKey),
    );
  }
});

test.each([5, 99, 32_767])("ApiVersions %i is answered in the oldest layout with what can be asked instead", async (version) => {
  const rig = await startBroker();
  const client = await KafkaClient.connect(rig);
  // Whatever the body of such a version holds.
  const unknown = { ...apiVersions, versions: [0, version] as const, flexibleFrom: Infinity };
  await client.send(unknown, version, who);
  const { errorCode, apiKeys } = await client.next(apiVersions, 0);
  expect(errorCode).toBe(errors.UNSUPPORTED_VERSION.code);
  expect(apiKeys).toContainEqual({ apiKey: 18, minVersion: 0, maxVersion: 4 });
  expect((await client.ask(apiVersions, 4, who)).errorCode).toBe(0);
});

test("before version 1 an empty list asks for all topics, from then on null does, and an empty one asks for the brokers alone", async () => {
  const rig = await kafkaRig();
  const names = async (version: number, topics: [] | null): Promise<unknown[]> =>
    (await rig.kafkaClient.ask(metadata, version, asked(topics))).topics.map(({ name }) => name);
  expect(await names(0, [])).toEqual(["orders"]);
  expect(await names(1, [])).toEqual([]);
  expect(await names(1, null)).toEqual(["orders"]);
  expect(await names(13, null)).toEqual(["orders"]);
});

test.each(Array.from({ length: 14 }, (_, version) => version))("Metadata %i tells brokers, controller and partitions", async (version) => {
  const rig = await kafkaRig({ partitions: 2 });
  const { brokers, controllerId, clusterId, topics } = await rig.kafkaClient.ask(metadata, version, asked([{ name: "orders" }]));
  const [address] = rig.kafka;
  expect(brokers).toEqual([{ nodeId: 1, host: "localhost", port: address?.port, rack: null }]);
  if (version >= 1) expect(controllerId).toBe(1);
  if (version >= 2) expect(clusterId).toMatch(/./);
  expect(topics).toHaveLength(1);
  expect(topics[0]).toMatchObject({ errorCode: 0, name: "orders", topicId: version >= 10 ? rig.topicId : NO_ID, isInternal: false });
  expect(topics[0]?.partitions).toMatchObject(
    [0, 1].map((partitionIndex) => ({ errorCode: 0, partitionIndex, leaderId: 1, replicaNodes: [1], isrNodes: [1], offlineReplicas: [] })),
  );
  if (version >= 7) expect(topics[0]?.partitions[0]?.leaderEpoch).toBeGreaterThanOrEqual(0);
});

test("a topic is asked for by its id, and an id that nobody has is sent back with the error", async () => {
  const rig = await kafkaRig();
  const stranger = "0123456789abcdef0123456789abcdef" as Uuid;
  const { topics } = await rig.kafkaClient.ask(
    metadata,
    12,
    asked([
      { name: null, topicId: rig.topicId },
      { name: null, topicId: stranger },
    ]),
  );
  expect(topics).toMatchObject([
    { errorCode: 0, name: "orders", topicId: rig.topicId },
    { errorCode: errors.UNKNOWN_TOPIC_ID.code, name: null, topicId: stranger, partitions: [] },
  ]);
});

test("a topic that is not there is made where the client and the configuration allow it, and can be used at once", async () => {
  const rig = await startBroker({ config: { autoCreateTopicsEnable: true } });
  const client = await KafkaClient.connect(rig);
  const refused = await client.ask(metadata, 9, asked([{ name: "made" }, { name: "bad name" }]));
  expect(refused.topics).toMatchObject([
    { errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION.code, name: "made" },
    { errorCode: errors.INVALID_TOPIC_EXCEPTION.code, name: "bad name" },
  ]);
  const made = await client.ask(metadata, 9, asked([{ name: "made" }], true));
  expect(made.topics).toMatchObject([{ errorCode: 0, name: "made", partitions: [{ errorCode: 0, leaderId: 1 }] }]);
});

test("before version 4 every client allows to make what is not there", async () => {
  const rig = await startBroker({ config: { autoCreateTopicsEnable: true } });
  const client = await KafkaClient.connect(rig);
  expect((await client.ask(metadata, 3, asked([{ name: "made" }]))).topics).toMatchObject([{ errorCode: 0, name: "made" }]);
});

test("where the configuration forbids it nothing is made", async () => {
  const rig = await startBroker({ config: { autoCreateTopicsEnable: false } });
  const client = await KafkaClient.connect(rig);
  const { topics } = await client.ask(metadata, 9, asked([{ name: "made" }], true));
  expect(topics).toMatchObject([{ errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION.code }]);
});

test("what a client may do is told when it asks", async () => {
  const rig = await kafkaRig();
  const wish = { ...asked([{ name: "orders" }]), includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true };
  const answer = await rig.kafkaClient.ask(metadata, 8, wish);
  expect(answer.topics[0]?.topicAuthorizedOperations).toBe(0b1101_1111_1000);
  expect(answer.clusterAuthorizedOperations).toBeGreaterThan(0);
  const silent = await rig.kafkaClient.ask(metadata, 8, asked([{ name: "orders" }]));
  expect(silent.topics[0]?.topicAuthorizedOperations).toBe(-2_147_483_648);
});

const listeners = ["INSIDE", "OUTSIDE"].map((name) => ({ name, host: "localhost", port: 0 }));

test("each listener tells its own addresses: what it advertises, else where the client's connection ends", async () => {
  const advertisedListeners = [{ name: "OUTSIDE", host: "kafka.example", port: 4711 }];
  const rig = await startBroker({ config: { listeners, advertisedListeners } });
  const tell = async (listener: number): Promise<unknown> =>
    (await (await KafkaClient.connect(rig, listener)).ask(metadata, 9, asked([]))).brokers;
  expect(await tell(0)).toMatchObject([{ host: "localhost", port: rig.kafka[0]?.port }]);
  expect(await tell(1)).toMatchObject([{ host: "registered.example", port: 19_293 }]);
});

test("a broker without a listener of that name is left out, and a partition that it leads is told as one to come back for", async () => {
  const rig = await kafkaRig({ config: { listeners } });
  const other: pb.BrokerRecord = {
    nodeId: 2,
    brokerEpoch: 7,
    incarnation: new Uint8Array(16),
    directoryId: new Uint8Array(16),
    endpoints: [{ listener: "OUTSIDE", host: "other.example", port: 9 }],
    rack: "r2",
    fenced: false,
    shuttingDown: false,
    version: "",
    metadataVersionMin: 1,
    metadataVersionMax: 1,
    draining: false,
    drainingRate: 0,
  };
  const led = rig.controller.partition(rig.topicId, 0, { leader: 2, leaderEpoch: 9, replicas: [2], isr: [2] });
  rig.controller.commit({ case: "broker", value: other }, { case: "partition", value: led });
  await rig.host.clock.advance(100);
  const ask = async (listener: number, version: number) =>
    (await KafkaClient.connect(rig, listener)).ask(metadata, version, asked([{ name: "orders" }]));
  const inside = await ask(0, 9);
  expect(inside.brokers.map(({ nodeId }) => nodeId)).toEqual([1]);
  expect(inside.topics[0]?.partitions).toMatchObject([{ errorCode: errors.LISTENER_NOT_FOUND.code, leaderId: -1 }]);
  expect((await ask(0, 5)).topics[0]?.partitions).toMatchObject([{ errorCode: errors.LEADER_NOT_AVAILABLE.code }]);
  const outside = await ask(1, 9);
  expect(outside.brokers).toContainEqual({ nodeId: 2, host: "other.example", port: 9, rack: "r2" });
  expect(outside.topics[0]?.partitions).toMatchObject([{ errorCode: 0, leaderId: 2 }]);
});

test("a fenced broker that nobody has replaced still names itself, and no leader that is not there", async () => {
  const rig = await kafkaRig();
  rig.controller.setFenced(true);
  await rig.host.clock.advance(100);
  const { brokers, controllerId, topics } = await rig.kafkaClient.ask(metadata, 9, asked([{ name: "orders" }]));
  expect(brokers).toMatchObject([{ nodeId: 1, host: "localhost", port: rig.kafka[0]?.port }]);
  expect(controllerId).toBe(1);
  expect(topics[0]?.partitions).toMatchObject([{ errorCode: 0, leaderId: 1 }]);
  rig.controller.commit({ case: "partition", value: rig.controller.partition(rig.topicId, 0, { leader: -1, leaderEpoch: 9, isr: [] }) });
  await rig.host.clock.advance(100);
  const without = await rig.kafkaClient.ask(metadata, 9, asked([{ name: "orders" }]));
  expect(without.topics[0]?.partitions).toMatchObject([{ errorCode: errors.LEADER_NOT_AVAILABLE.code, leaderId: -1, leaderEpoch: 9 }]);
});

test("a topic that is named again and again, by its name or its id, is told once", async () => {
  const rig = await kafkaRig({ partitions: 2 });
  const again = Array.from({ length: 1000 }, () => [{ name: "orders" }, { name: "missing" }, { name: null, topicId: rig.topicId }]).flat();
  const { topics } = await rig.kafkaClient.ask(metadata, 12, asked(again));
  expect(topics.map(({ name }) => name)).toEqual(["orders", "missing", "orders"]);
});

test("a topic that cannot be made because the controllers do not answer is one to come back for", async () => {
  const rig = await startBroker({ config: { autoCreateTopicsEnable: true } });
  const client = await KafkaClient.connect(rig);
  rig.controller.deaf = true;
  const { topics } = await client.ask(metadata, 9, asked([{ name: "later" }], true));
  // librdkafka passes over this code and asks again; for another one, also one that can be retried, it fails what is to be sent.
  expect(topics).toMatchObject([{ errorCode: errors.LEADER_NOT_AVAILABLE.code, name: "later", partitions: [] }]);
  rig.controller.deaf = false;
  await rig.host.clock.advance(2000);
  expect((await client.ask(metadata, 9, asked([{ name: "later" }], true))).topics).toMatchObject([{ errorCode: 0 }]);
});

test("of very many topics that are missing a request makes a part, so that the controllers are there for others", async () => {
  const rig = await startBroker({ config: { autoCreateTopicsEnable: true } });
  const client = await KafkaClient.connect(rig);
  const many = Array.from({ length: 1500 }, (_, i) => ({ name: `t${i}` }));
  const { topics } = await client.ask(metadata, 9, asked(many, true));
  const count = (code: number): number => topics.filter(({ errorCode }) => errorCode === code).length;
  expect([count(0), count(errors.LEADER_NOT_AVAILABLE.code)]).toEqual([1000, 500]);
  expect((await client.ask(metadata, 9, asked(many, true))).topics.every(({ errorCode }) => errorCode === 0)).toBe(true);
});

test("a request may be about a hundred thousand topics, and no more", async () => {
  const rig = await kafkaRig();
  const many = (count: number) => asked(Array.from({ length: count }, (_, i) => ({ name: `t${i}` })));
  expect((await rig.kafkaClient.ask(metadata, 9, many(100_000))).topics).toHaveLength(100_000);
  await rig.kafkaClient.send(metadata, 9, many(100_001));
  await rig.kafkaClient.closed();
});
