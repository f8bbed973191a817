import { kafka } from "@ottla/protocol";
import { expect, test } from "vitest";
import { startBroker } from "../broker.test.kit.ts";
import { batchOf } from "../partition/partition.test.kit.ts";
import { kafkaRig, produceOf } from "./apis/data/kafka-client.test.kit.ts";
import { listeningLogger, requestFrame, Wire, withSize } from "./wire.test.kit.ts";

const { apiVersions, metadata, fetch, produce } = kafka.apis;
const who = { clientSoftwareName: "test", clientSoftwareVersion: "1" };
const brokersOnly = {
  topics: [],
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
};

function parked(maxWaitMs: number) {
  return {
    maxWaitMs,
    minBytes: 1,
    maxBytes: 1 << 20,
    topics: [{ topic: "orders", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }],
    forgottenTopicsData: [],
    rackId: "",
  };
}

test("answers leave in the order of the requests, whichever is ready first, and later requests are carried out meanwhile", async () => {
  const rig = await kafkaRig();
  const wire = await Wire.open(rig);
  await wire.ask(fetch, 11, { ...parked(5000), minBytes: 1 << 20 }, 1);
  await wire.ask(produce, 7, produceOf([{ index: 0, records: batchOf(rig.host, { value: "x" }) }]), 2);
  await wire.ask(apiVersions, 3, who, 3);
  await wire.settled();
  expect(wire.answered).toEqual([]);
  const partition = [...rig.broker.inspect().replicas][0];
  expect(partition?.log.endOffset).toBe(1);
  await rig.host.clock.advance(5200);
  expect(wire.answered).toEqual([1, 2, 3]);
});

test("a fetch that waits holds up nobody on other connections", async () => {
  const rig = await kafkaRig();
  const [waiting, other] = [await Wire.open(rig), await Wire.open(rig)];
  await waiting.ask(fetch, 11, parked(30_000), 1);
  await other.ask(apiVersions, 3, who, 1);
  await other.settled();
  expect(other.answered).toEqual([1]);
  expect(waiting.answered).toEqual([]);
});

test("five requests of a connection are carried out at a time, the sixth when one is answered", async () => {
  const rig = await kafkaRig();
  const wire = await Wire.open(rig);
  const partition = [...rig.broker.inspect().replicas][0];
  // One after the other they end after 5, 10, … seconds.
  for (let i = 1; i <= 4; i++) await wire.ask(fetch, 11, { ...parked(5000 * i), minBytes: 1 << 20 }, i);
  await wire.ask(produce, 7, produceOf([{ index: 0, records: batchOf(rig.host, { value: "fifth" }) }], { acks: 1 }), 5);
  await wire.ask(produce, 7, produceOf([{ index: 0, records: batchOf(rig.host, { value: "sixth" }) }], { acks: 1 }), 6);
  await wire.settled();
  expect(partition?.log.endOffset).toBe(1);
  await rig.host.clock.advance(5200);
  expect(wire.answered).toEqual([1]);
  expect(partition?.log.endOffset).toBe(2);
});

test("requests that came before their client went are carried out", async () => {
  const rig = await kafkaRig();
  const wire = await Wire.open(rig);
  for (let i = 0; i < 10; i++) {
    const records = batchOf(rig.host, { value: `${i}` });
    await wire.ask(produce, 7, produceOf([{ index: 0, records }], { acks: 0 }), i);
  }
  wire.close();
  await rig.host.clock.advance(10);
  expect([...rig.broker.inspect().replicas][0]?.log.endOffset).toBe(10);
});

test.each([
  ["an API that nobody knows", Buffer.from("7fff000000000001ffff", "hex"), "API 32767 is not answered here"],
  ["an API that is not answered here", Buffer.from("0004000000000001ffff", "hex"), "API 4 is not answered here"],
  [
    "a version that is not answered",
    Buffer.from("0003006300000001ffff00", "hex"),
    "version 99 of Metadata is not answered here; 0 to 13 are",
  ],
  ["a negative version", Buffer.from("0003ffff00000001ffff", "hex"), "version -1 of Metadata is not answered here"],
  ["no header at all", Buffer.alloc(0), "request header"],
  ["a count that the rest of the frame has no room for", Buffer.from("0003000100000001ffff7fffffff", "hex"), "Metadata request v1"],
])("%s closes the connection with a line in the log, and nobody else's", async (_, frame, text) => {
  const { logger, said } = listeningLogger();
  const rig = await startBroker({ logger });
  const [bad, good] = [await Wire.open(rig), await Wire.open(rig)];
  await bad.say(withSize(frame));
  await bad.settled();
  expect(bad.ended).toBe(true);
  expect(said.join("\n")).toContain(text);
  await good.ask(apiVersions, 3, who, 1);
  await good.answer(1);
});

test("what came before a request that closes the connection is answered as far as it was ready", async () => {
  const rig = await startBroker();
  const wire = await Wire.open(rig);
  await wire.say(Buffer.concat([withSize(requestFrame(apiVersions, 3, who, 1)), withSize(Buffer.from("7fff000000000002ffff", "hex"))]));
  await wire.settled();
  expect(wire.answered).toEqual([1]);
  expect(wire.ended).toBe(true);
});

test("a request cut at any byte closes its connection and leaves nothing behind", async () => {
  const rig = await kafkaRig();
  const requests = [
    requestFrame(apiVersions, 3, who, 1),
    requestFrame(metadata, 12, { ...brokersOnly, topics: [{ topicId: rig.topicId, name: "orders" }] }, 1),
    requestFrame(produce, 9, produceOf([{ index: 0, records: batchOf(rig.host, { value: "x" }) }]), 1),
    requestFrame(fetch, 12, { ...parked(0), topics: [] }, 1),
  ];
  for (const request of requests) {
    for (let bytes = 0; bytes < request.length; bytes++) {
      const wire = await Wire.open(rig);
      await wire.say(withSize(request.subarray(0, bytes)));
      await wire.settled();
      expect({ bytes, ended: wire.ended, answered: wire.answered }).toEqual({ bytes, ended: true, answered: [] });
    }
  }
  expect([...rig.broker.inspect().replicas][0]?.log.endOffset).toBe(0);
  expect(gauge(rig, "ottla_broker_request_bytes")).toBe(0);
  expect(gauge(rig, "kafka_server_socketservermetrics_connection_count")).toBe(1);
});

test("one that asks without end leaves the others their turn", async () => {
  const rig = await startBroker();
  const [greedy, small] = [await Wire.open(rig), await Wire.open(rig)];
  const flood = Array.from({ length: 2000 }, (_, i) => withSize(requestFrame(apiVersions, 0, who, i)));
  void greedy.say(Buffer.concat(flood));
  void small.ask(apiVersions, 0, who, 1);
  await rig.host.clock.runUntil(() => small.answered.length === 1);
  expect(greedy.answered.length).toBeLessThan(500);
  await rig.host.clock.runUntil(() => greedy.answered.length === 2000);
  expect(greedy.answered).toEqual(Array.from({ length: 2000 }, (_, i) => i));
});

test("a client that takes no answers is cut off, and holds no more than its share until then", async () => {
  const { logger, said } = listeningLogger();
  const rig = await kafkaRig({ logger, batches: 8, valueBytes: 500_000, config: { queuedMaxRequestBytes: 64 << 20 } });
  const wire = await Wire.open(rig, { reads: false });
  for (let i = 0; i < 100; i++) void wire.ask(fetch, 11, { ...parked(0), maxBytes: 4 << 20 }, i);
  await rig.host.clock.advance(20_000);
  expect(gauge(rig, "ottla_broker_answer_bytes")).toBeLessThanOrEqual(8 << 20);
  expect(wire.ended).toBe(false);
  await rig.host.clock.advance(11_000);
  expect(wire.ended).toBe(true);
  expect(said.join()).toContain("A Kafka client takes no answers and is cut off");
  expect(gauge(rig, "ottla_broker_answer_bytes")).toBe(0);
  expect(gauge(rig, "ottla_broker_request_bytes")).toBe(0);
});

test("a connection on which nothing is said is closed after connections.max.idle.ms, one whose fetch waits is not", async () => {
  const rig = await kafkaRig({ config: { connectionsMaxIdleMs: 60_000 } });
  const [idle, waiting] = [await Wire.open(rig), await Wire.open(rig)];
  await idle.ask(apiVersions, 3, who, 1);
  await waiting.ask(fetch, 11, { ...parked(200_000), minBytes: 1 << 20 }, 1);
  await rig.host.clock.advance(59_000);
  expect(idle.ended).toBe(false);
  await rig.host.clock.advance(2_500);
  expect(idle.ended).toBe(true);
  await rig.host.clock.advance(120_000);
  expect(waiting.ended).toBe(false);
});

test("a request of which nothing more comes closes its connection after half a minute", async () => {
  const rig = await startBroker();
  const wire = await Wire.open(rig);
  await wire.say(withSize(Buffer.alloc(1 << 20)).subarray(0, 1000));
  await rig.host.clock.advance(28_000);
  expect(wire.ended).toBe(false);
  await rig.host.clock.advance(5_000);
  expect(wire.ended).toBe(true);
});

test("a request that nobody reads on, because five before it are not answered, is not held against its client", async () => {
  const rig = await kafkaRig();
  const wire = await Wire.open(rig);
  for (let i = 1; i <= 5; i++) await wire.ask(fetch, 11, { ...parked(100_000), minBytes: 1 << 20 }, i);
  const large = requestFrame(produce, 7, produceOf([{ index: 0, records: batchOf(rig.host, { value: "x".repeat(200_000) }) }]), 6);
  void wire.say(Buffer.concat([withSize(large), withSize(large), withSize(large).subarray(0, 100_000)]));
  await rig.host.clock.advance(90_000);
  expect(wire.ended).toBe(false);
});

test("large requests that do not come on make room for others after a few seconds", async () => {
  const rig = await kafkaRig({ config: { queuedMaxRequestBytes: 8 << 20, grpcMaxMessageBytes: 8 << 20 } });
  // Together they hold all the room for what is arriving.
  const hindering = [await Wire.open(rig), await Wire.open(rig)];
  for (const wire of hindering) await wire.say(withSize(Buffer.alloc(2 << 20)).subarray(0, 1000));
  const wire = await Wire.open(rig);
  const records = batchOf(rig.host, { value: "x".repeat(200_000) });
  void wire.ask(produce, 7, produceOf([{ index: 0, records }]), 1);
  const small = await Wire.open(rig);
  await small.ask(apiVersions, 3, who, 1);
  await small.answer(1);
  await rig.host.clock.advance(4_000);
  expect(wire.answered).toEqual([]);
  await rig.host.clock.advance(3_000);
  expect(wire.answered).toEqual([1]);
  expect(hindering.some(({ ended }) => ended)).toBe(true);
});

test("requests wait while others hold all memory for requests, and are answered in the end", async () => {
  const rig = await kafkaRig({ config: { queuedMaxRequestBytes: 1 << 20 } });
  const wires = [await Wire.open(rig), await Wire.open(rig), await Wire.open(rig), await Wire.open(rig)];
  const records = batchOf(rig.host, { value: "x".repeat(700_000) });
  for (const wire of wires) void wire.ask(produce, 7, produceOf([{ index: 0, records }]), 1);
  await rig.host.clock.advance(1000);
  expect(wires.map(({ answered }) => answered)).toEqual([[1], [1], [1], [1]]);
  expect(gauge(rig, "ottla_broker_request_bytes")).toBe(0);
});

function gauge(rig: Awaited<ReturnType<typeof startBroker>>, name: string): number | undefined {
  const metric = rig.broker.samples().find((each) => each.name === name);
  return metric?.type === "gauge" ? metric.values[0]?.value : undefined;
}
