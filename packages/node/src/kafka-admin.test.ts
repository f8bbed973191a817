import type { MemoryHost } from "@ottla/host";
import { errors, kafka, type Uuid } from "@ottla/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { machines, start, voterSettings } from "./cluster.test.kit.ts";
import { ask as askNode, KAFKA_PORT } from "./kafka.test.kit.ts";
import type { Node } from "./node.ts";

const { apis } = kafka;
const NO_ID = "00000000000000000000000000000000" as Uuid;

/** Three real nodes on simulated machines, asked through the door for Kafka's clients. */
let hosts: [MemoryHost, MemoryHost, MemoryHost];
let nodes: Node[];

beforeEach(async () => {
  hosts = machines();
  const settings = (nodeId: number) => ({ ...voterSettings(nodeId, 3), listeners: `PLAINTEXT://node-${nodeId}:${KAFKA_PORT}` });
  nodes = await hosts[0].clock.run(Promise.all(hosts.map((host, at) => start(host, settings(at + 1)))));
});

afterEach(() => hosts[0].clock.run(Promise.all(nodes.map((node) => node.close()))));

function ask<W, R>(api: kafka.Api<unknown, never, W, R>, version: number, body: W, nodeId = 1): Promise<R> {
  return askNode(hosts[0], nodeId, api, version, body);
}

const topic = { numPartitions: 3, replicationFactor: 3, assignments: [], configs: [] };

function create(name: string, more: Partial<Parameters<typeof createAll>[0][number]> = {}) {
  return createAll([{ ...topic, name, ...more }]);
}

async function createAll(
  topics: kafka.CreateTopicsRequest["topics"],
  { validateOnly = false, version = 7, nodeId = 1 } = {},
): Promise<NonNullable<kafka.CreateTopicsResponse["topics"]>> {
  return (await ask(apis.createTopics, version, { topics, timeoutMs: 5000, validateOnly }, nodeId)).topics;
}

async function describeTopics(names: readonly string[], nodeId = 1) {
  return (await ask(apis.describeTopicPartitions, 0, { topics: names.map((name) => ({ name })) }, nodeId)).topics;
}

describe("topics", () => {
  test("are created with their settings, and described at once by the broker that created them", async () => {
    const [created] = await create("flights", { configs: [{ name: "retention.ms", value: "60000" }] });
    expect(created).toMatchObject({ name: "flights", errorCode: 0, errorMessage: null, numPartitions: 3, replicationFactor: 3 });
    expect(created?.configs).toContainEqual({ name: "retention.ms", value: "60000", readOnly: false, configSource: 1, isSensitive: false });
    expect(created?.configs).toContainEqual({
      name: "cleanup.policy",
      value: "delete",
      readOnly: false,
      configSource: 5,
      isSensitive: false,
    });
    const [described] = await describeTopics(["flights"]);
    expect(described).toMatchObject({ errorCode: 0, name: "flights", topicId: created?.topicId });
    expect(described?.partitions.map(({ partitionIndex, replicaNodes }) => [partitionIndex, [...replicaNodes].sort()])).toEqual([
      [0, [1, 2, 3]],
      [1, [1, 2, 3]],
      [2, [1, 2, 3]],
    ]);
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7])("are created by version %i of the request", async (version) => {
    expect(await createAll([{ ...topic, name: "old" }], { version })).toMatchObject([{ name: "old", errorCode: 0 }]);
  });

  test("get the numbers of the cluster for -1, and exactly the replicas that are named", async () => {
    expect(await create("by-default", { numPartitions: -1, replicationFactor: -1 })).toMatchObject([
      { numPartitions: 1, replicationFactor: 3 },
    ]);
    const assignments = [
      { partitionIndex: 1, brokerIds: [3, 2] },
      { partitionIndex: 0, brokerIds: [2, 1] },
    ];
    expect(await create("placed", { numPartitions: -1, replicationFactor: -1, assignments })).toMatchObject([{ errorCode: 0 }]);
    const [placed] = await describeTopics(["placed"]);
    expect(placed?.partitions.map(({ replicaNodes }) => replicaNodes)).toEqual([
      [2, 1],
      [3, 2],
    ]);
  });

  test("are refused one by one, each with its reason", async () => {
    const answers = await createAll([
      { ...topic, name: "good" },
      { ...topic, name: "bad name" },
      { ...topic, name: "twice" },
      { ...topic, name: "twice" },
      { ...topic, name: "typo", configs: [{ name: "retention.mss", value: "1" }] },
      { ...topic, name: "empty", configs: [{ name: "retention.ms", value: null }] },
      { ...topic, name: "large", replicationFactor: 4 },
      { ...topic, name: "none", numPartitions: 0 },
      { ...topic, name: "gap", numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
    ]);
    expect(new Map(answers.map(({ name, errorCode }) => [name, errorCode]))).toEqual(
      new Map([
        ["good", 0],
        ["bad name", errors.INVALID_TOPIC_EXCEPTION.code],
        ["twice", errors.INVALID_REQUEST.code],
        ["typo", errors.INVALID_CONFIG.code],
        ["empty", errors.INVALID_CONFIG.code],
        ["large", errors.INVALID_REPLICATION_FACTOR.code],
        ["none", errors.INVALID_PARTITIONS.code],
        ["gap", errors.INVALID_REPLICA_ASSIGNMENT.code],
      ]),
    );
    expect(answers.find(({ name }) => name === "typo")?.errorMessage).toContain("retention.ms");
    expect(await create("good")).toMatchObject([{ errorCode: errors.TOPIC_ALREADY_EXISTS.code }]);
  });

  test("are not asked for by the ten thousands: the controllers would have no time for others", async () => {
    const topics = Array.from({ length: 10_001 }, (_, i) => ({ ...topic, name: `t${i}` }));
    await expect(createAll(topics)).rejects.toThrow("the node closed the connection");
  });

  test("that are only to be checked are not made", async () => {
    expect(await createAll([{ ...topic, name: "idea" }], { validateOnly: true })).toMatchObject([
      { errorCode: 0, topicId: NO_ID, numPartitions: 3, replicationFactor: 3 },
    ]);
    expect(await describeTopics(["idea"])).toMatchObject([
      { errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION.code, name: "idea", partitions: [] },
    ]);
  });

  test("are deleted by name or by id, and made anew under another id", async () => {
    const [one] = await create("one");
    await create("two");
    const byName = await ask(apis.deleteTopics, 5, { topicNames: ["two", "three"], timeoutMs: 5000 });
    expect(byName.responses).toMatchObject([
      { name: "two", errorCode: 0 },
      { name: "three", errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION.code },
    ]);
    const topicId = one?.topicId ?? NO_ID;
    const unknown = "000102030405060708090a0b0c0d0e0f" as Uuid;
    const byId = await ask(apis.deleteTopics, 6, {
      topics: [
        { name: null, topicId },
        { name: null, topicId: unknown },
        { name: "both", topicId },
        { name: null, topicId: NO_ID },
      ],
      timeoutMs: 5000,
    });
    expect(byId.responses.map(({ name, topicId: id, errorCode }) => [name, id, errorCode])).toEqual(
      expect.arrayContaining([
        ["one", topicId, 0],
        [null, unknown, errors.UNKNOWN_TOPIC_ID.code],
        ["both", topicId, errors.INVALID_REQUEST.code],
        [null, NO_ID, errors.INVALID_REQUEST.code],
      ]),
    );
    const [again] = await create("one");
    expect(again?.errorCode).toBe(0);
    expect(again?.topicId).not.toBe(topicId);
  });

  test("grow, and do not shrink", async () => {
    await create("growing");
    const grow = async (count: number, options: { validateOnly?: boolean; assignments?: { brokerIds: number[] }[] } = {}) => {
      const { validateOnly = false, assignments = null } = options;
      const { results } = await ask(apis.createPartitions, 3, {
        topics: [{ name: "growing", count, assignments }],
        timeoutMs: 5000,
        validateOnly,
      });
      return results[0];
    };
    expect(await grow(5, { validateOnly: true })).toMatchObject({ name: "growing", errorCode: 0 });
    expect(await grow(4, { assignments: [{ brokerIds: [2, 3, 1] }] })).toMatchObject({ errorCode: 0, errorMessage: null });
    expect(await grow(4)).toMatchObject({ errorCode: errors.INVALID_PARTITIONS.code, errorMessage: expect.stringContaining("it has 4") });
    expect(await grow(0)).toMatchObject({ errorCode: errors.INVALID_PARTITIONS.code });
    const [grown] = await describeTopics(["growing"]);
    expect(grown?.partitions.map(({ replicaNodes }) => replicaNodes)[3]).toEqual([2, 3, 1]);
  });

  test("are described page by page, in the order of their names", async () => {
    await createAll(["b", "a", "c"].map((name) => ({ ...topic, name })));
    const seen: string[] = [];
    let cursor: { topicName: string; partitionIndex: number } | null = null;
    let pages = 0;
    do {
      const page: Awaited<ReturnType<typeof pageFrom>> = await pageFrom(cursor);
      seen.push(...page.topics.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex }) => `${name}-${partitionIndex}`)));
      cursor = page.nextCursor;
      pages++;
    } while (cursor !== null);
    expect(seen).toEqual(["a", "b", "c"].flatMap((name) => [0, 1, 2].map((partition) => `${name}-${partition}`)));
    expect(pages).toBe(5);
    const named = [{ name: "c" }, { name: "missing" }, { name: "a" }];
    const { topics, nextCursor } = await ask(apis.describeTopicPartitions, 0, { topics: named, responsePartitionLimit: 6 });
    expect(topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
      ["a", 3],
      ["c", 3],
    ]);
    expect(nextCursor).toEqual({ topicName: "missing", partitionIndex: 0 });
  });
});

function pageFrom(cursor: { topicName: string; partitionIndex: number } | null) {
  return ask(apis.describeTopicPartitions, 0, { topics: [], responsePartitionLimit: 2, cursor });
}

const TOPIC = 2;
const BROKER = 4;

async function configOf(type: number, resourceName: string, key: string, nodeId = 1) {
  const resources = [{ resourceType: type, resourceName, configurationKeys: [key] }];
  const { results } = await ask(apis.describeConfigs, 4, { resources, includeSynonyms: true, includeDocumentation: true }, nodeId);
  return results[0]?.configs[0];
}

describe("settings", () => {
  beforeEach(async () => {
    await create("flights", { configs: [{ name: "retention.ms", value: "60000" }] });
  });

  const alter = async (
    name: string,
    configOperation: number,
    value: string | null,
    options: { type?: number; resource?: string; validateOnly?: boolean } = {},
  ) => {
    const { type = TOPIC, resource = "flights", validateOnly = false } = options;
    const resources = [{ resourceType: type, resourceName: resource, configs: [{ name, configOperation, value }] }];
    return (await ask(apis.incrementalAlterConfigs, 1, { resources, validateOnly })).responses[0];
  };

  test("of a topic are complete, with their sources, types and what stands behind them", async () => {
    expect(await configOf(TOPIC, "flights", "retention.ms")).toMatchObject({
      name: "retention.ms",
      value: "60000",
      configSource: 1,
      readOnly: false,
      configType: 5,
      synonyms: [
        { name: "retention.ms", value: "60000", source: 1 },
        { name: "log.retention.ms", value: "604800000", source: 5 },
      ],
    });
    expect(await configOf(TOPIC, "flights", "cleanup.policy")).toMatchObject({ value: "delete", configSource: 5, configType: 7 });
    expect((await configOf(TOPIC, "flights", "min.insync.replicas"))?.documentation).toContain("acknowledged");
  });

  test("are told of a resource that a request names once", async () => {
    const resources = ["flights", "flights", ""].map((resourceName) => ({
      resourceType: resourceName === "" ? BROKER : TOPIC,
      resourceName,
    }));
    const { results } = await ask(apis.describeConfigs, 4, {
      resources: resources.map((resource) => ({ ...resource, configurationKeys: null })),
      includeSynonyms: false,
      includeDocumentation: false,
    });
    const { code } = errors.INVALID_REQUEST;
    expect(results.map(({ errorCode }) => errorCode)).toEqual([code, code, 0]);
    expect(results[0]?.configs).toEqual([]);
  });

  test("of a broker are those it runs with; another's are asked of that one", async () => {
    expect(await configOf(BROKER, "1", "broker.rack")).toMatchObject({ value: "rack-1", configSource: 4, readOnly: true });
    const resources = [{ resourceType: BROKER, resourceName: "2", configurationKeys: null }];
    const { results } = await ask(apis.describeConfigs, 1, { resources, includeSynonyms: false });
    expect(results[0]).toMatchObject({ errorCode: errors.INVALID_REQUEST.code, errorMessage: expect.stringContaining("ask that node") });
  });

  test("change one by one", async () => {
    expect(await alter("max.message.bytes", 0, "5000")).toMatchObject({ errorCode: 0, resourceName: "flights" });
    expect(await configOf(TOPIC, "flights", "max.message.bytes")).toMatchObject({ value: "5000", configSource: 1 });
    expect(await configOf(TOPIC, "flights", "retention.ms")).toMatchObject({ value: "60000" });
    expect(await alter("retention.ms", 1, null)).toMatchObject({ errorCode: 0 });
    expect(await configOf(TOPIC, "flights", "retention.ms")).toMatchObject({ value: "604800000", configSource: 5 });
  });

  test("that are lists take and give up items; others do not", async () => {
    const throttled = "leader.replication.throttled.replicas";
    expect(await alter(throttled, 0, "0:1")).toMatchObject({ errorCode: 0 });
    expect(await alter(throttled, 2, "1:2,0:1")).toMatchObject({ errorCode: 0 });
    expect(await configOf(TOPIC, "flights", throttled)).toMatchObject({ value: "0:1,1:2" });
    expect(await alter(throttled, 3, "0:1")).toMatchObject({ errorCode: 0 });
    expect(await configOf(TOPIC, "flights", throttled)).toMatchObject({ value: "1:2" });
    expect(await alter("retention.ms", 2, "5")).toMatchObject({ errorCode: errors.INVALID_CONFIG.code });
  });

  test("are checked without being changed, and refused by name", async () => {
    expect(await alter("retention.ms", 0, "1", { validateOnly: true })).toMatchObject({ errorCode: 0 });
    expect(await configOf(TOPIC, "flights", "retention.ms")).toMatchObject({ value: "60000" });
    expect(await alter("retention.ms", 0, "soon")).toMatchObject({
      errorCode: errors.INVALID_CONFIG.code,
      errorMessage: expect.stringContaining("soon"),
    });
    expect(await alter("retention.ms", 0, "1", { resource: "trains" })).toMatchObject({
      errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION.code,
    });
    expect(await alter("x", 0, "1", { type: 8, resource: "1" })).toMatchObject({ errorCode: errors.INVALID_REQUEST.code });
  });

  test("of the whole cluster stand behind those of topics, under the names that brokers have for them", async () => {
    expect(await alter("log.segment.bytes", 0, "1048576", { type: BROKER, resource: "" })).toMatchObject({ errorCode: 0 });
    expect(await configOf(TOPIC, "flights", "segment.bytes")).toMatchObject({
      value: "1048576",
      configSource: 3,
      synonyms: [
        { name: "log.segment.bytes", value: "1048576", source: 3 },
        { name: "log.segment.bytes", source: 5 },
      ],
    });
    expect(await configOf(BROKER, "", "log.segment.bytes")).toMatchObject({ value: "1048576", configSource: 3 });
    expect(await configOf(BROKER, "1", "log.segment.bytes")).toMatchObject({ value: "1048576", configSource: 3 });
  });

  test("are replaced as a whole by the older request", async () => {
    const configs = [{ name: "max.message.bytes", value: "6000" }];
    const resources = [{ resourceType: TOPIC, resourceName: "flights", configs }];
    expect((await ask(apis.alterConfigs, 2, { resources, validateOnly: false })).responses).toMatchObject([{ errorCode: 0 }]);
    expect(await configOf(TOPIC, "flights", "max.message.bytes")).toMatchObject({ value: "6000", configSource: 1 });
    expect(await configOf(TOPIC, "flights", "retention.ms")).toMatchObject({ configSource: 5 });
  });
});

describe("the cluster", () => {
  test("names a topic that is asked for by its id, whether its name is null or, as in Java, empty", async () => {
    const [flights] = await create("flights");
    const topicId = flights?.topicId ?? NO_ID;
    for (const name of [null, ""]) {
      const { topics } = await ask(apis.metadata, 12, { topics: [{ topicId, name }], allowAutoTopicCreation: false });
      expect(topics).toMatchObject([{ errorCode: 0, name: "flights", topicId, partitions: [{}, {}, {}] }]);
    }
    const unknown = "000102030405060708090a0b0c0d0e0f" as Uuid;
    const { topics } = await ask(apis.metadata, 12, { topics: [{ topicId: unknown, name: null }], allowAutoTopicCreation: true });
    expect(topics).toMatchObject([{ errorCode: errors.UNKNOWN_TOPIC_ID.code, name: null, topicId: unknown }]);
  });

  test("is described with every broker under the name of the listener asked", async () => {
    const answer = await ask(apis.describeCluster, 2, { includeClusterAuthorizedOperations: true, includeFencedBrokers: true });
    expect(answer).toMatchObject({ errorCode: 0, endpointType: 1, clusterId: nodes[0]?.clusterId, clusterAuthorizedOperations: 8096 });
    expect(answer.brokers).toEqual(
      [1, 2, 3].map((brokerId) => ({ brokerId, host: `node-${brokerId}`, port: KAFKA_PORT, rack: `rack-${brokerId}`, isFenced: false })),
    );
    expect([1, 2, 3]).toContain(answer.controllerId);
    const controllers = await ask(apis.describeCluster, 1, { includeClusterAuthorizedOperations: false, endpointType: 2 });
    expect(controllers.errorCode).toBe(errors.UNSUPPORTED_ENDPOINT_TYPE.code);
  });

  test("tells what its controllers agreed on", async () => {
    const { topics, nodes: addresses } = await ask(apis.describeQuorum, 2, {
      topics: [
        { topicName: "__cluster_metadata", partitions: [{ partitionIndex: 0 }] },
        { topicName: "flights", partitions: [{ partitionIndex: 0 }] },
      ],
    });
    const quorum = topics[0]?.partitions[0];
    expect(quorum).toMatchObject({ errorCode: 0, observers: [] });
    expect(quorum?.currentVoters.map(({ replicaId }) => replicaId)).toEqual([1, 2, 3]);
    expect(quorum?.currentVoters.find(({ replicaId }) => replicaId === quorum.leaderId)?.logEndOffset).toBeGreaterThanOrEqual(
      quorum?.highWatermark ?? NaN,
    );
    expect(addresses.map(({ nodeId, listeners }) => [nodeId, listeners[0]?.host])).toEqual(
      [1, 2, 3].map((nodeId) => [nodeId, `node-${nodeId}`]),
    );
    expect(topics[1]?.partitions[0]?.errorCode).toBe(errors.UNKNOWN_TOPIC_OR_PARTITION.code);
  });

  test("tells what lies on the disk of a broker", async () => {
    await create("flights");
    await hosts[0].clock.advance(200);
    const all = await ask(apis.describeLogDirs, 4, { topics: null });
    const [directory] = all.results;
    expect(directory?.topics).toMatchObject([{ name: "flights", partitions: [{ offsetLag: 0, isFutureKey: false }, {}, {}] }]);
    expect(directory?.totalBytes).toBeGreaterThan(directory?.usableBytes ?? Infinity);
    const some = await ask(apis.describeLogDirs, 4, { topics: [{ topic: "flights", partitions: [1] }] });
    expect(some.results[0]?.topics).toMatchObject([{ partitions: [{ partitionIndex: 1 }] }]);
    expect((await ask(apis.describeLogDirs, 1, { topics: [] })).results[0]?.topics).toEqual([]);
    expect((await ask(apis.describeLogDirs, 1, { topics: [{ topic: "trains", partitions: [0] }] })).results[0]?.topics).toEqual([]);
  });
});

describe("partitions", () => {
  const placed = { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }] };

  const reassign = async (name: string, partitionIndex: number, replicas: number[] | null) => {
    const topics = [{ name, partitions: [{ partitionIndex, replicas }] }];
    const { errorCode, responses } = await ask(apis.alterPartitionReassignments, 0, { timeoutMs: 5000, topics });
    expect(errorCode).toBe(0);
    return responses[0]?.partitions[0];
  };

  test("are listed once however often they are asked about", async () => {
    await create("moving", placed);
    await reassign("moving", 0, [3, 2]);
    const again = [[7], [0], [0]].map((partitionIndexes) => ({ name: "moving", partitionIndexes }));
    const { topics } = await ask(apis.listPartitionReassignments, 0, { topics: again });
    expect(topics).toMatchObject([{ name: "moving", partitions: [{ partitionIndex: 0 }] }]);
  });

  test("move to other brokers, and what is under way is listed", async () => {
    await create("moving", placed);
    expect(await reassign("moving", 0, [3, 2])).toEqual({ partitionIndex: 0, errorCode: 0, errorMessage: null });
    const { topics } = await ask(apis.listPartitionReassignments, 0, { topics: null });
    expect(topics).toMatchObject([
      { name: "moving", partitions: [{ partitionIndex: 0, replicas: [3, 2, 1], addingReplicas: [3], removingReplicas: [1] }] },
    ]);
    await hosts[0].clock.advance(5000);
    expect((await ask(apis.listPartitionReassignments, 0, { topics: [{ name: "moving", partitionIndexes: [0] }] })).topics).toEqual([]);
    const [described] = await describeTopics(["moving"]);
    expect(described?.partitions[0]).toMatchObject({ replicaNodes: [3, 2] });
  });

  test("that cannot move say why, each for itself", async () => {
    await create("still", placed);
    expect(await reassign("still", 0, null)).toMatchObject({ errorCode: errors.NO_REASSIGNMENT_IN_PROGRESS.code });
    expect(await reassign("still", 0, [])).toMatchObject({ errorCode: errors.INVALID_REPLICA_ASSIGNMENT.code });
    expect(await reassign("still", 0, [1, 1])).toMatchObject({ errorCode: errors.INVALID_REPLICA_ASSIGNMENT.code });
    expect(await reassign("still", 0, [1, 9])).toMatchObject({ errorCode: errors.INVALID_REPLICA_ASSIGNMENT.code });
    expect(await reassign("still", 7, [1])).toMatchObject({ errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION.code });
    expect(await reassign("gone", 0, [1])).toMatchObject({ errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION.code });
  });

  test("have their preferred leaders elected where others lead", async () => {
    await create("led", placed);
    const elect = async (topicPartitions: { topic: string; partitions: number[] }[] | null, electionType = 0) => {
      const answer = await ask(apis.electLeaders, 2, { electionType, topicPartitions, timeoutMs: 5000 });
      return {
        errorCode: answer.errorCode,
        results: answer.replicaElectionResults.flatMap(({ partitionResult }) => partitionResult.map((each) => each.errorCode)),
      };
    };
    expect(await elect([{ topic: "led", partitions: [0, 8] }])).toEqual({
      errorCode: 0,
      results: expect.arrayContaining([errors.ELECTION_NOT_NEEDED.code, errors.UNKNOWN_TOPIC_OR_PARTITION.code]),
    });
    expect(await elect(null)).toEqual({ errorCode: 0, results: [] });
    expect(await elect([])).toEqual({ errorCode: 0, results: [] });
    expect(await elect([{ topic: "led", partitions: [0] }], 7)).toEqual({ errorCode: errors.INVALID_REQUEST.code, results: [] });
    // 2 becomes the preferred leader while 1 leads.
    await reassign("led", 0, [2, 1]);
    const [before] = await describeTopics(["led"]);
    const expected = before?.partitions[0]?.leaderId === 1 ? 0 : errors.ELECTION_NOT_NEEDED.code;
    expect(await elect([{ topic: "led", partitions: [0] }])).toEqual({ errorCode: 0, results: [expected] });
    const [after] = await describeTopics(["led"]);
    expect(after?.partitions[0]?.leaderId).toBe(2);
  });
});
