import { createSessionPair, DiskError, memoryHost, type MemoryHost, type Session } from "@ottla/host";
import { errorName, pb, services } from "@ottla/protocol";
import { expect, test } from "vitest";
import type { Controller } from "./controller.ts";
import { startController, TestBroker } from "./controller.test.kit.ts";
import { newTopic, registration } from "./state/decisions.test.kit.ts";

const create = (name: string, topic: Partial<pb.NewTopic> = {}): pb.Command["command"] => ({
  case: "createTopics",
  value: { topics: [newTopic({ name, ...topic })], validateOnly: false },
});

async function oneBroker(
  o: Parameters<typeof startController>[1] = {},
): Promise<{ host: MemoryHost; controller: Controller; broker: TestBroker; fatal: Error[] }> {
  const host = memoryHost();
  const { controller, fatal } = await startController(host, o);
  const broker = new TestBroker(host, controller);
  await broker.join(1);
  return { host, controller, broker, fatal };
}

function dial(controller: Controller, service: string, attributes: Record<string, string>): Session {
  const [dialling, accepting] = createSessionPair(service, attributes, {}, { dialling: "test", accepting: "controller" });
  controller.accept(accepting);
  return dialling;
}

test("a new broker is fenced until it has seen its own registration", async () => {
  const host = memoryHost();
  const { controller } = await startController(host);
  const broker = new TestBroker(host, controller);
  broker.silent = true;
  const { reply } = await broker.run({ case: "register", value: registration(1, 1) });
  if (reply.case === "register") broker.brokerEpoch = reply.value.brokerEpoch;
  await host.clock.advance(300);
  expect(broker.image.brokers.get(1)?.fenced).toBe(true);
  broker.silent = false;
  await host.clock.advance(600);
  expect(broker.image.brokers.get(1)?.fenced).toBe(false);
});

test("a broker is live as soon as it acknowledged its registration, whenever its next heartbeat is", async () => {
  const host = memoryHost();
  const { controller } = await startController(host);
  const broker = new TestBroker(host, controller);
  const began = host.clock.monotonicMs();
  await broker.join(1);
  expect(host.clock.monotonicMs() - began).toBeLessThan(10);
});

test("a broker whose session ends and that accepts no connection is fenced at once, and comes back with the same epoch", async () => {
  const { host, controller, broker } = await oneBroker();
  await broker.run(create("orders"));
  broker.close();
  await host.clock.advance(10);
  const again = new TestBroker(host, controller);
  again.brokerEpoch = broker.brokerEpoch;
  await host.clock.runUntil(() => again.image.index > 0);
  expect(again.image.brokers.get(1)?.fenced).toBe(true);
  await host.clock.advance(600);
  expect(again.image.brokers.get(1)).toMatchObject({ fenced: false, brokerEpoch: broker.brokerEpoch });
  expect(again.image.topicByName("orders")?.partitions[0]).toMatchObject({ leader: 1, leaderEpoch: 2 });
});

test("a broker that falls silent on an open session is fenced when its session time is over", async () => {
  const { host, controller, broker } = await oneBroker();
  const watcher = new TestBroker(host, controller, 2);
  broker.silent = true;
  await host.clock.advance(2000);
  expect(watcher.image.brokers.get(1)?.fenced).toBe(false);
  const fencings = () => controller.samples().find(({ name }) => name === "ottla_controller_fencings_total");
  expect(fencings()).toMatchObject({ type: "counter", values: [{ value: 0 }] });
  await host.clock.advance(1000);
  expect(watcher.image.brokers.get(1)?.fenced).toBe(true);
  expect(fencings()).toMatchObject({ type: "counter", values: [{ value: 1 }] });
});

test("a second process with the id of a live broker is refused, and taken once the first is gone", async () => {
  const { host, controller, broker } = await oneBroker();
  const second = new TestBroker(host, controller);
  const refused = await second.run({ case: "register", value: registration(1, 2) });
  expect(errorName(refused.errorCode)).toBe("DUPLICATE_BROKER_REGISTRATION");
  // Its heartbeats tell it from one that has just crashed.
  await host.clock.advance(700);
  const final = await second.run({ case: "register", value: registration(1, 2) });
  expect([errorName(final.errorCode), final.errorMessage]).toEqual([
    "INVALID_REGISTRATION",
    "Cannot register broker 1: another process with node.id=1 lives and speaks with the controller; give this node another node.id, or stop the other",
  ]);
  broker.close();
  await host.clock.advance(10);
  await second.join(2);
  expect(second.brokerEpoch).toBeGreaterThan(broker.brokerEpoch);
});

test("a creation that needs brokers that are not live yet waits for them, and is refused with both numbers when its time is over", async () => {
  const { host, controller, broker } = await oneBroker();
  const other = new TestBroker(host, controller, 2);
  await other.join(1);
  const waiting = broker.send(create("orders", { replicationFactor: 2 }), { timeoutMs: 5000 });
  const created = await host.clock.run(waiting);
  expect(created.reply.case === "createTopics" && created.reply.value.topics[0]?.errorCode).toBe(0);
  other.close();
  await host.clock.advance(10);
  const began = host.clock.monotonicMs();
  const patient = broker.send(create("late", { replicationFactor: 2 }), { timeoutMs: 5000 });
  await host.clock.advance(3000);
  const returned = new TestBroker(host, controller, 2);
  returned.brokerEpoch = other.brokerEpoch;
  const late = await host.clock.run(patient);
  expect(late.reply.case === "createTopics" && late.reply.value.topics[0]?.errorCode).toBe(0);
  expect(host.clock.monotonicMs() - began).toBeLessThan(5000);
  returned.close();
  await host.clock.advance(10);
  const vain = await broker.run(create("never", { replicationFactor: 2 }), { timeoutMs: 1000 });
  const [refused] = vain.reply.case === "createTopics" ? vain.reply.value.topics : [];
  expect(refused?.errorMessage).toContain("with 2 replicas: 1 of 2 registered brokers is live");
});

test("a creation is answered when the broker that asked has applied it, and within a second when it does not", async () => {
  const { host, broker } = await oneBroker();
  broker.silent = true;
  const began = host.clock.monotonicMs();
  const reply = await broker.run(create("orders"));
  expect(reply.errorCode).toBe(0);
  expect(host.clock.monotonicMs() - began).toBeGreaterThanOrEqual(1000);
  expect(host.clock.monotonicMs() - began).toBeLessThanOrEqual(1100);
});

test("a command that was sent again on another session happens once", async () => {
  const { host, controller, broker } = await oneBroker();
  const first = await broker.run({ case: "allocateProducerIds", value: { count: 100 } }, { sequence: 50 });
  broker.close();
  const again = new TestBroker(host, controller);
  again.brokerEpoch = broker.brokerEpoch;
  const second = await again.run({ case: "allocateProducerIds", value: { count: 100 } }, { sequence: 50 });
  expect(second).toEqual(first);
});

test("sessions without a sender, or of a service that controllers do not have, are refused by name", async () => {
  const { controller } = await oneBroker();
  for (const attributes of [{}, { "ottla-node-id": "" }, { "ottla-node-id": "-1" }, { "ottla-node-id": "two" }])
    expect(() => dial(controller, services.metadata, attributes)).toThrow("A session needs ottla-node-id");
  expect(() => dial(controller, services.produce, { "ottla-node-id": "2" })).toThrow("Controllers have no service");
});

test("messages that cannot be read end their session and nothing else", async () => {
  const { host, controller, broker, fatal } = await oneBroker();
  for (const service of [services.session, services.metadata]) {
    const session = dial(controller, service, { "ottla-node-id": "9" });
    await session.send([new Uint8Array([255, 255, 255])]);
    expect(await host.clock.run(session.closed)).toMatchObject({ kind: "rejected", code: "INVALID_REQUEST" });
  }
  expect((await broker.run(create("orders"))).errorCode).toBe(0);
  expect(fatal).toEqual([]);
});

test("a broker that does not read falls back to a whole image, and the controller keeps little for it", async () => {
  const { host, controller, broker } = await oneBroker();
  const session = dial(controller, services.metadata, { "ottla-node-id": "3" });
  await session.send([pb.MetadataRequest.encode({ appliedIndex: 0 })]);
  await broker.run(create("orders"));
  const value = "x".repeat(200_000);
  for (let at = 0; at < 40; at++) {
    const changes = [{ name: "follower.replication.throttled.replicas", operation: 0, value: `0:${at},${value}` }];
    const { reply } = await broker.run({
      case: "alterConfigs",
      value: { resources: [{ type: 2, name: "orders", changes }], validateOnly: false },
    });
    if (reply.case === "alterConfigs") expect(reply.value.resources[0]?.errorMessage).toBe("");
  }
  let bytes = 0;
  let snapshots = 0;
  const reader = (async () => {
    for await (const frame of session.frames) {
      bytes += frame.length;
      const { snapshot, part } = pb.MetadataDelta.decode(frame);
      if (snapshot && part === 0) snapshots++;
    }
  })();
  await host.clock.advance(500);
  expect(snapshots).toBeGreaterThan(1);
  expect(bytes).toBeLessThan(7_000_000);
  session.close();
  await host.clock.run(reader);
});

test("on a full disk changes are refused by name, what was appended before waits, and service resumes when there is space", async () => {
  const { host, broker, fatal } = await oneBroker();
  await broker.run(create("orders"));
  const topicId = broker.image.topicByName("orders")?.idBytes ?? new Uint8Array(0);
  const commit = (offset: number): pb.Command["command"] => ({
    case: "commitOffsets",
    value: { group: "g", offsets: [{ topicId, partition: 0, offset, leaderEpoch: -1, metadata: "" }] },
  });
  const fetched = async (): Promise<number | undefined> => {
    const { reply } = await broker.run({ case: "fetchOffsets", value: { group: "g", partitions: [{ topicId, partition: 0 }] } });
    return reply.case === "fetchOffsets" ? reply.value.offsets[0]?.offset : undefined;
  };
  await broker.run(commit(1));
  host.disk.fault = (operation, path) =>
    operation === "write" && path.includes("/raft/") ? new DiskError("write", path, "ENOSPC") : undefined;
  const held = broker.send(commit(2), { timeoutMs: 60_000 });
  await host.clock.advance(50);
  const refused = await broker.run(commit(3));
  expect(errorName(refused.errorCode)).toBe("KAFKA_STORAGE_ERROR");
  expect(refused.errorMessage).toContain("/data/controller/raft");
  host.disk.fault = null;
  expect((await host.clock.run(held)).errorCode).toBe(0);
  expect(await fetched()).toBe(2);
  expect((await broker.run(commit(4))).errorCode).toBe(0);
  expect(await fetched()).toBe(4);
  expect(fatal).toEqual([]);
});

test("the founding of another cluster under known data is refused", async () => {
  const host = memoryHost();
  const { fatal } = await startController(host, { clusterId: "known" });
  await host.clock.advance(100);
  expect(fatal.map(({ message }) => message)).toEqual([
    expect.stringContaining("the data directory belongs to a cluster, known, but the controller's log in /data/controller is empty"),
  ]);
});

test("a controller's directory of another cluster is refused and both are named", async () => {
  const { host, controller, broker } = await oneBroker();
  const id = await controller.founded;
  broker.close();
  await host.clock.run(controller.close());
  const { fatal } = await startController(host.restart(), { clusterId: "another" });
  await host.clock.advance(1000);
  expect(fatal[0]?.message).toContain(`it belongs to cluster ${id}, the data directory to cluster another`);
});

test("committed offsets expire by the controller's own clock", async () => {
  const { host, broker } = await oneBroker({ config: { offsetsRetentionMinutes: 1, offsetsRetentionCheckIntervalMs: 1000 } });
  await broker.run(create("orders"));
  const topicId = broker.image.topicByName("orders")?.idBytes ?? new Uint8Array(0);
  await broker.run({
    case: "commitOffsets",
    value: { group: "g", offsets: [{ topicId, partition: 0, offset: 1, leaderEpoch: -1, metadata: "" }] },
  });
  const groups = async (): Promise<number> => {
    const { reply } = await broker.run({ case: "listGroups", value: {} });
    return reply.case === "listGroups" ? reply.value.groups.length : -1;
  };
  await host.clock.advance(59_000);
  expect(await groups()).toBe(1);
  await host.clock.advance(3000);
  expect(await groups()).toBe(0);
});

test("what the controller reports counts what is there", async () => {
  const { broker, controller } = await oneBroker();
  await broker.run(create("orders", { partitions: 3 }));
  const values = new Map(controller.samples().map(({ name, values: [first] }) => [name, first && "value" in first ? first.value : null]));
  expect(values.get("kafka_controller_kafkacontroller_globaltopiccount")).toBe(1);
  expect(values.get("kafka_controller_kafkacontroller_globalpartitioncount")).toBe(3);
  expect(values.get("kafka_controller_kafkacontroller_activebrokercount")).toBe(1);
  expect(values.get("kafka_controller_kafkacontroller_offlinepartitionscount")).toBe(0);
});

test("a replica that is not in sync leads after 10 s where unclean.leader.election.enable says so, and an event tells what that may cost", async () => {
  const { host, controller, broker } = await oneBroker();
  const second = new TestBroker(host, controller, 2);
  await second.join(2);
  const assignments = [{ nodes: [2, 1] }];
  const alone = { name: "min.insync.replicas", value: "1" };
  const lossy = [alone, { name: "unclean.leader.election.enable", value: "true" }];
  await broker.run(create("lossy", { partitions: -1, assignments, configs: lossy }));
  await broker.run(create("safe", { partitions: -1, assignments, configs: [alone] }));
  const partition = (name: string): pb.PartitionRecord | undefined => second.image.topicByName(name)?.partitions[0];
  broker.close();
  await host.clock.runUntil(() => partition("safe")?.isr.length === 1);
  second.close();
  await host.clock.advance(100);
  const back = new TestBroker(host, controller);
  back.brokerEpoch = broker.brokerEpoch;
  const at = (name: string): pb.PartitionRecord | undefined => back.image.topicByName(name)?.partitions[0];
  await host.clock.runUntil(() => back.image.brokers.get(1)?.fenced === false);
  await host.clock.advance(9000);
  expect([at("lossy")?.leader, at("safe")?.leader], "broker 2 may come back").toEqual([-1, -1]);
  await host.clock.advance(2000);
  expect(at("lossy")).toMatchObject({ leader: 1, isr: [1], elr: [], lastEligible: [] });
  expect(at("safe")).toMatchObject({ leader: -1, elr: [2] });
  const { reply } = await back.run({ case: "describeEvents", value: { afterNumber: 0, limit: 0 } });
  const told = reply.case === "describeEvents" ? reply.value.events.filter(({ kind }) => kind === "unclean") : [];
  expect(told.map(({ text }) => text)).toEqual([
    "Broker 1 leads lossy-0 in epoch 2: no broker that was in sync came back in time, and unclean.leader.election.enable is true. Acknowledged records that it lacks may be lost; candidates were [2]",
  ]);
});

test("a broker whose disk is nearly full hands on what it leads, says why, and leads again once it has had space for five seconds", async () => {
  const { host, controller, broker } = await oneBroker();
  const other = new TestBroker(host, controller, 2);
  await other.join(2);
  await broker.run(create("orders", { replicationFactor: -1, partitions: -1, assignments: [{ nodes: [1, 2] }] }));
  const leader = (): number | undefined => other.image.topicByName("orders")?.partitions[0]?.leader;
  const told = async (): Promise<string[]> => {
    const { reply } = await other.run({ case: "describeEvents", value: { afterNumber: 0, limit: 0 } });
    return reply.case === "describeEvents" ? reply.value.events.flatMap(({ kind, text }) => (kind === "space" ? [text] : [])) : [];
  };
  await host.clock.runUntil(() => leader() === 1);
  broker.lowSpace = { freeBytes: 5, limitBytes: 8 };
  const began = host.clock.monotonicMs();
  await host.clock.runUntil(() => leader() === 2);
  expect(host.clock.monotonicMs() - began).toBeLessThan(600);
  await host.clock.advance(20_000);
  expect(leader()).toBe(2);
  expect(await told()).toEqual(["Broker 1 takes no records of clients: the disk of broker 1 has 5 bytes free, log.min.free.bytes keeps 8"]);
  broker.lowSpace = undefined;
  await host.clock.advance(4_000);
  expect(leader()).toBe(2);
  await host.clock.runUntil(() => leader() === 1);
  expect((await told()).at(-1)).toBe("The disk of broker 1 has space again: it may lead as before");
});
