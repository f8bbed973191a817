import { memoryHost } from "@ottla/host";
import { errors, pb, type Uuid, uuidToBytes } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import { startBroker } from "./broker.test.kit.ts";
import { batchOf } from "./partition/partition.test.kit.ts";

describe("joining the cluster", () => {
  test("a broker is ready once it is registered and unfenced, and refuses clients until then", async () => {
    const rig = await startBroker({ unready: true });
    expect(() => rig.client().stream("call")).toThrow(/Node 1 is starting/);
    expect(rig.broker.health).toMatchObject({ live: true, ready: false });
    await rig.run(rig.broker.ready);
    expect(rig.broker.health).toEqual({ live: true, ready: true, reasons: [] });
    expect(rig.client().stream("call").accepted).toEqual({
      "ottla-protocol": "1",
      "ottla-node-id": "1",
      "ottla-cluster-id": "cluster-of-the-test",
    });
  });

  test("it tells the controllers who it is, and beats while there is nothing to say", async () => {
    const rig = await startBroker();
    expect(rig.controller.registrations).toMatchObject([
      {
        nodeId: 1,
        cleanShutdownEpoch: 0,
        damaged: [],
        endpoints: [{ listener: "GRPC", host: "registered.example", port: 19_093 }, { listener: "PLAINTEXT" }],
      },
    ]);
    const before = rig.controller.requests.length;
    await rig.host.clock.advance(5000);
    const beats = rig.controller.requests.slice(before);
    expect(beats.length).toBeGreaterThanOrEqual(9);
    expect(beats.at(-1)).toMatchObject({ brokerEpoch: rig.controller.brokerEpoch, commands: [] });
  });

  test("after a broken session it goes on without registering again, and what was not answered is sent again under its number", async () => {
    const rig = await startBroker();
    rig.controller.ignored.add("listGroups");
    const client = rig.client();
    await client.startCall("listGroups", {});
    await rig.host.clock.advance(100);
    const first = rig.controller.commands.at(-1);
    rig.controller.ignored.clear();
    rig.controller.breakSessions();
    expect(pb.CallResponse.decode(await client.next("call")).errorCode).toBe(0);
    expect(rig.controller.commands.at(-1)).toMatchObject({ sequence: first?.sequence, command: { case: "listGroups" } });
    expect(rig.controller.registrations.length).toBe(1);
  });

  test("a controller that does not answer leaves a call unknown after its timeout, not waiting", async () => {
    const rig = await startBroker();
    rig.controller.ignored.add("listGroups");
    const { errorCode, errorMessage } = await rig.client().call("listGroups", {}, 300);
    expect(errorCode).toBe(errors.REQUEST_TIMED_OUT.code);
    expect(errorMessage).toMatch(/300 ms/);
  });

  test("a start that was a clean stop before says so by its broker epoch, one after a crash does not", async () => {
    const host = memoryHost();
    const first = await startBroker({ host });
    const epoch = first.controller.brokerEpoch;
    await first.run(first.broker.shutdown());
    expect(first.controller.commands.at(-1)?.command.case).toBe("shutdown");
    const second = await startBroker({ host: host.restart(), controller: first.controller });
    expect(second.controller.registrations.at(-1)?.cleanShutdownEpoch).toBe(epoch);
    const third = await startBroker({ host: second.host.restart(), controller: second.controller });
    expect(third.controller.registrations.at(-1)?.cleanShutdownEpoch).toBe(0);
  });

  test("a start says which starts its disk remembers, and an old copy of the disk does not remember the last that registered", async () => {
    const host = memoryHost();
    const first = await startBroker({ host });
    const { controller } = first;
    const told = () => controller.registrations.map(({ incarnation, formerIncarnations }) => ({ incarnation, formerIncarnations })).at(-1);
    expect(told()?.formerIncarnations).toEqual([]);
    host.crash({ keep: "none" });
    const copy = host.disk.photograph();
    const one = told()?.incarnation;
    const second = await startBroker({ host: host.restart(), controller });
    expect(told()?.formerIncarnations).toEqual([one]);
    const two = told()?.incarnation;
    second.host.crash({ keep: "none" });
    const machine = second.host.restart();
    machine.disk.putBack(copy);
    await startBroker({ host: machine, controller });
    expect(told()?.formerIncarnations).toEqual([one]);
    expect(told()?.formerIncarnations).not.toContainEqual(two);
  });

  test("another process that registers as the same node ends this one", async () => {
    const rig = await startBroker();
    const other = await startBroker({ controller: rig.controller, unready: true });
    await rig.host.clock.advance(1000);
    await other.host.clock.advance(1000);
    await rig.host.clock.advance(1000);
    expect(rig.fatal[0]?.message).toMatch(/Another process has registered as node 1/);
    expect(rig.broker.health.live).toBe(false);
  });
});

describe("topics", () => {
  test("a partition of a new topic takes records, and has them after a restart", async () => {
    const rig = await startBroker();
    const topicId = rig.controller.createTopic("orders", 2);
    await rig.host.clock.advance(50);
    const [produced] = await rig.client().produce([{ topicId, partition: 1, records: batchOf(rig.host, { count: 3 }) }]);
    expect(produced).toMatchObject({ errorCode: 0, baseOffset: 0 });
    await rig.run(rig.broker.shutdown());
    const again = await startBroker({ host: rig.host.restart(), controller: rig.controller });
    const { partitions } = await again.client().fetch([{ topicId, partition: 1, from: 0 }]);
    expect(partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 3 });
    expect(partitions[0]?.records.length).toBeGreaterThan(0);
  });

  test("leadership that the image gives to an earlier incarnation does not count", async () => {
    const rig = await startBroker();
    const topicId = rig.controller.createTopic("orders", 1);
    rig.controller.commit({ case: "partition", value: rig.controller.partition(topicId, 0, { leaderBrokerEpoch: 1, leaderEpoch: 99 }) });
    await rig.host.clock.advance(50);
    const [refused] = await rig.client().produce([{ topicId, partition: 0, records: batchOf(rig.host) }]);
    expect(refused).toMatchObject({
      errorCode: errors.NOT_LEADER_OR_FOLLOWER.code,
      notAppended: true,
      leader: { nodeId: 1, leaderEpoch: 99 },
    });
  });

  test("a partition that is assigned elsewhere is led here no longer", async () => {
    const rig = await startBroker();
    const topicId = rig.controller.createTopic("orders", 1);
    await rig.host.clock.advance(50);
    const client = rig.client();
    const produce = async () => (await client.produce([{ topicId, partition: 0, records: batchOf(rig.host) }]))[0]?.errorCode;
    expect(await produce()).toBe(0);
    rig.controller.commit({
      case: "partition",
      value: rig.controller.partition(topicId, 0, { replicas: [2], isr: [2], leader: 2, leaderEpoch: 99 }),
    });
    await rig.host.clock.advance(50);
    expect(await produce()).toBe(errors.NOT_LEADER_OR_FOLLOWER.code);
  });

  test("deleting a topic under its producers and consumers ends both with its id, removes its logs and is confirmed", async () => {
    const rig = await startBroker();
    const topicId = rig.controller.createTopic("orders", 1);
    await rig.host.clock.advance(50);
    const client = rig.client();
    await client.produce([{ topicId, partition: 0, records: batchOf(rig.host) }]);
    await client.startFetch([{ topicId, partition: 0, from: 1 }], { maxWaitMs: 60_000 });
    await rig.host.clock.advance(10);
    const startedMs = rig.host.clock.monotonicMs();
    rig.controller.deleteTopic(topicId);
    expect(pb.FetchResponse.decode(await client.next("fetch")).partitions[0]?.errorCode).toBe(errors.UNKNOWN_TOPIC_ID.code);
    expect(rig.host.clock.monotonicMs() - startedMs).toBeLessThan(1000);
    expect((await client.produce([{ topicId, partition: 0, records: batchOf(rig.host) }]))[0]).toMatchObject({
      errorCode: errors.UNKNOWN_TOPIC_ID.code,
      notAppended: true,
    });
    await rig.host.clock.advance(1000);
    expect(rig.controller.confirmedDeletions).toEqual([uuidToBytes(topicId)]);
    const left = await rig.run(rig.host.disk.list("/data/log"));
    expect(left.filter((name) => name.startsWith(topicId))).toEqual([]);
  });

  test("a deletion that happened while the broker was away is carried out when it is back", async () => {
    const rig = await startBroker();
    const topicId = rig.controller.createTopic("orders", 1);
    await rig.host.clock.advance(50);
    await rig.client().produce([{ topicId, partition: 0, records: batchOf(rig.host) }]);
    await rig.run(rig.broker.shutdown());
    rig.controller.deleteTopic(topicId);
    const again = await startBroker({ host: rig.host.restart(), controller: rig.controller });
    await again.host.clock.advance(1000);
    expect(rig.controller.confirmedDeletions).toEqual([uuidToBytes(topicId)]);
  });

  test("a log that no topic names is kept and shown, never deleted", async () => {
    const rig = await startBroker();
    const topicId = rig.controller.createTopic("orders", 1);
    await rig.host.clock.advance(50);
    await rig.client().produce([{ topicId, partition: 0, records: batchOf(rig.host) }]);
    await rig.run(rig.broker.shutdown());
    const elsewhere = await startBroker({ host: rig.host.restart() });
    expect(elsewhere.broker.samples().find(({ name }) => name === "ottla_broker_stray_logs")?.values[0]).toMatchObject({ value: 1 });
    const dirs = await elsewhere.client().call("describeLogDirs", { partitions: [] });
    expect(dirs.answer.case === "describeLogDirs" && dirs.answer.value.partitions[0]?.logEndOffset).toBe(1);
  });

  test("changed settings reach the partition", async () => {
    const rig = await startBroker();
    const topicId = rig.controller.createTopic("orders", 1);
    rig.controller.commit({ case: "config", value: { resourceType: 2, resource: topicId, name: "max.message.bytes", value: "100" } });
    await rig.host.clock.advance(50);
    const [refused] = await rig.client().produce([{ topicId, partition: 0, records: batchOf(rig.host, { count: 50 }) }]);
    expect(refused).toMatchObject({ errorCode: errors.MESSAGE_TOO_LARGE.code, notAppended: true });
  });

  test("settings of the whole cluster lie under those of a topic, and are shown as such", async () => {
    const rig = await startBroker();
    const clusterWide = (name: string, value: string) =>
      ({ case: "config", value: { resourceType: 4, resource: "", name, value } }) as const;
    rig.controller.commit(clusterWide("flush.policy", "os"), clusterWide("retention.ms", "1000"));
    rig.controller.createTopic("plain", 1);
    rig.controller.createTopic("own", 1, { "flush.messages": "1", "retention.ms": "2000" });
    await rig.host.clock.advance(50);
    const { answer } = await rig.client().call("describeConfigs", {
      resources: ["plain", "own"].map((name) => ({ type: 2, name, keys: ["flush.policy", "retention.ms"] })),
    });
    const shown = answer.case === "describeConfigs" ? answer.value.resources : [];
    const { SOURCE_STATIC, SOURCE_TOPIC } = pb.ConfigSource;
    expect(shown.map(({ configs }) => Object.fromEntries(configs.map(({ name, value, source }) => [name, [value, source]])))).toEqual([
      { "flush.policy": ["os", SOURCE_STATIC], "retention.ms": ["1000", SOURCE_STATIC] },
      { "flush.policy": ["commit", SOURCE_TOPIC], "retention.ms": ["2000", SOURCE_TOPIC] },
    ]);
  });

  test("asking for missing topics by name creates them where that is allowed", async () => {
    const rig = await startBroker();
    const call = { names: ["made", "bad/name"], topicIds: [], allTopics: false, allowAutoCreation: true };
    const { answer } = await rig.client().call("metadata", call);
    expect(
      answer.case === "metadata" &&
        answer.value.topics.map(({ name, errorCode, partitions }) => [name, errorCode, partitions.map(({ leader }) => leader)]),
    ).toEqual([
      ["made", 0, [1]],
      ["bad/name", errors.INVALID_TOPIC_EXCEPTION.code, []],
    ]);
    const strict = await startBroker({ config: { autoCreateTopicsEnable: false } });
    const refused = await strict.client().call("metadata", call);
    expect(refused.answer.case === "metadata" && refused.answer.value.topics[0]).toMatchObject({
      errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION.code,
      errorMessage: expect.stringContaining("auto.create.topics.enable is false"),
    });
  });

  test("a topic that is named again and again, by its name or its id, is told once", async () => {
    const rig = await startBroker();
    const topicId = uuidToBytes(rig.controller.createTopic("orders", 1));
    await rig.host.clock.advance(50);
    const again = <T>(...values: T[]): T[] => Array.from({ length: 100 }, () => values).flat();
    const call = { names: again("orders", "missing"), topicIds: again(topicId), allTopics: false, allowAutoCreation: false };
    const { answer } = await rig.client().call("metadata", call);
    expect(answer.case === "metadata" && answer.value.topics.map(({ name }) => name)).toEqual(["orders", "missing", "orders"]);
  });

  test("a missing topic that the controllers do not create is answered with their reason", async () => {
    const rig = await startBroker();
    rig.controller.refusedTopics.add("refused");
    const { answer } = await rig
      .client()
      .call("metadata", { names: ["refused", "made"], topicIds: [], allTopics: false, allowAutoCreation: true });
    expect(answer.case === "metadata" && answer.value.topics).toMatchObject([
      { errorCode: errors.POLICY_VIOLATION.code, errorMessage: "refused by policy" },
      { name: "made", errorCode: 0 },
    ]);
  });

  test("this node goes by the address that the client dialled, unless the configuration names one", async () => {
    const nothing = { names: [], topicIds: [], allTopics: false, allowAutoCreation: false };
    const rig = await startBroker();
    const { answer } = await rig.client().call("metadata", nothing);
    expect(answer.case === "metadata" && answer.value.brokers).toEqual([{ nodeId: 1, host: "dialled.example", port: 9093, rack: "" }]);
    const named = await startBroker({ config: { grpcAdvertisedListeners: [{ host: "registered.example", port: 19_093 }] } });
    const other = await named.client().call("metadata", nothing);
    expect(other.answer.case === "metadata" && other.answer.value.brokers).toEqual([
      { nodeId: 1, host: "registered.example", port: 19_093, rack: "" },
    ]);
  });

  test("producer ids are never given twice", async () => {
    const rig = await startBroker();
    const client = rig.client();
    const ids = new Set<number>();
    for (let i = 0; i < 1200; i++) {
      const { answer } = await client.call("initProducerId", {});
      if (answer.case === "initProducerId") ids.add(answer.value.producerId);
    }
    expect(ids.size).toBe(1200);
  });

  test("an unknown topic and an unknown partition are told apart", async () => {
    const rig = await startBroker();
    const topicId = rig.controller.createTopic("orders", 2);
    await rig.host.clock.advance(50);
    const outcome = await rig.client().produce([
      { topicId: "ff".repeat(16) as Uuid, partition: 0, records: batchOf(rig.host) },
      { topicId, partition: 2, records: batchOf(rig.host) },
      { topicId, partition: 1, records: batchOf(rig.host) },
    ]);
    expect(outcome.map(({ errorCode }) => errorCode)).toEqual([errors.UNKNOWN_TOPIC_ID.code, errors.UNKNOWN_TOPIC_OR_PARTITION.code, 0]);
    expect(outcome[1]?.errorMessage).toBe("Topic orders has no partition 2: its partitions are 0 to 1");
  });
});
