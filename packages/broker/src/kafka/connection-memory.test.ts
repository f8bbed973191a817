import { kafka } from "@ottla/protocol";
import { expect, test } from "vitest";
import { type BrokerRig, startBroker } from "../broker.test.kit.ts";
import { batchOf } from "../partition/partition.test.kit.ts";
import { kafkaRig, produceOf } from "./apis/data/kafka-client.test.kit.ts";
import { requestFrame, Wire, withSize } from "./wire.test.kit.ts";

const { metadata, fetch, produce } = kafka.apis;

function aboutTopics(names: readonly string[] | null) {
  return {
    topics: names?.map((name) => ({ name })) ?? null,
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  };
}

function fetchOf({ maxWaitMs = 0, minBytes = 1, rackId = "" } = {}) {
  return {
    maxWaitMs,
    minBytes,
    maxBytes: 1 << 20,
    topics: [{ topic: "orders", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }],
    forgottenTopicsData: [],
    rackId,
  };
}

/** All partitions in one answer are about so much more than what one connection's answers may hold at a time. */
const manyPartitions = { partitions: 3000, config: { queuedMaxRequestBytes: 1 << 20 } };
const SHARE = (1 << 20) / 8;

test("large answers without records count as memory of answers, and a client that does not take them starts no more", async () => {
  const rig = await kafkaRig(manyPartitions);
  const wire = await Wire.open(rig, { reads: false });
  for (let i = 0; i < 100; i++) void wire.ask(metadata, 9, aboutTopics(null), i);
  const other = await Wire.open(rig);
  for (let i = 0; i < 10; i++) await other.ask(metadata, 9, aboutTopics(null), i);
  await rig.host.clock.advance(20_000);
  expect(gauge(rig, "ottla_broker_answer_bytes")).toBeGreaterThan(64 << 10);
  expect(gauge(rig, "ottla_broker_answer_bytes")).toBeLessThanOrEqual(SHARE);
  expect(other.answered).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await rig.host.clock.advance(12_000);
  expect(wire.ended).toBe(true);
  expect(gauge(rig, "ottla_broker_answer_bytes")).toBe(0);
  expect(gauge(rig, "ottla_broker_request_bytes")).toBe(0);
});

test("large answers and fetches share the memory, however they follow each other, and all are answered", async () => {
  const rig = await kafkaRig(manyPartitions);
  await rig.kafkaClient.ask(produce, 7, produceOf([{ index: 0, records: batchOf(rig.host, { value: "x".repeat(100_000) }) }]));
  const wires = await opened(rig, 6);
  const expected = Array.from({ length: 12 }, (_, i) => i);
  for (const [n, wire] of wires.entries()) {
    for (const i of expected) {
      if ((i + n) % 2 === 0) void wire.ask(fetch, 11, fetchOf({ maxWaitMs: 500 }), i);
      else void wire.ask(metadata, 9, aboutTopics(null), i);
    }
  }
  await rig.host.clock.advance(20_000);
  for (const wire of wires) expect(wire.answered).toEqual(expected);
  expect(gauge(rig, "ottla_broker_answer_bytes")).toBe(0);
});

test("an answer that has memory for its records takes what its rows need without waiting", async () => {
  const rig = await kafkaRig(manyPartitions);
  await rig.kafkaClient.ask(produce, 7, produceOf([{ index: 0, records: batchOf(rig.host, { value: "x".repeat(100_000) }) }]));
  const partitions = Array.from({ length: 3000 }, (_, partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1 << 20 }));
  const wires = await opened(rig, 10);
  for (const wire of wires)
    for (const i of [1, 2]) void wire.ask(fetch, 11, { ...fetchOf(), topics: [{ topic: "orders", partitions }] }, i);
  await rig.host.clock.advance(5000);
  for (const wire of wires) expect(wire.answered).toEqual([1, 2]);
  expect(gauge(rig, "ottla_broker_answer_bytes")).toBe(0);
});

test("a fetch that waits holds nothing of the memory for requests, however large its message was", async () => {
  const rig = await kafkaRig({ config: { queuedMaxRequestBytes: 1 << 20 } });
  const [waiting, other] = [await Wire.open(rig), await Wire.open(rig)];
  const parked = fetchOf({ maxWaitMs: 100_000, minBytes: 1 << 20, rackId: "r".repeat(400_000) });
  for (let i = 1; i <= 5; i++) void waiting.ask(fetch, 12, parked, i);
  await rig.host.clock.advance(1000);
  expect(waiting.ended).toBe(false);
  expect(gauge(rig, "ottla_broker_request_bytes")).toBe(0);
  await other.ask(produce, 7, produceOf([{ index: 0, records: batchOf(rig.host, { value: "x".repeat(400_000) }) }]), 1);
  await rig.host.clock.advance(1000);
  expect([waiting.answered, other.answered]).toEqual([[], [1]]);
});

test("fetches that wait are answered when others need the memory of the large requests behind them", async () => {
  const rig = await kafkaRig({ config: { queuedMaxRequestBytes: 1 << 20 } });
  const [full, other] = [await Wire.open(rig), await Wire.open(rig)];
  for (let i = 1; i <= 5; i++) await full.ask(fetch, 11, fetchOf({ maxWaitMs: 200_000, minBytes: 1 << 20 }), i);
  const large = produceOf([{ index: 0, records: batchOf(rig.host, { value: "x".repeat(400_000) }) }]);
  void full.ask(produce, 7, large, 6);
  await rig.host.clock.advance(10_000);
  expect(full.answered).toEqual([]);
  void other.ask(produce, 7, large, 1);
  await rig.host.clock.advance(8000);
  expect(full.answered).toEqual([1, 2, 3, 4, 5, 6]);
  expect(other.answered).toEqual([1]);
  expect(full.ended).toBe(false);
});

test.each([
  ["Metadata of very many names", metadata, 9, aboutTopics(Array.from({ length: 1900 }, (_, i) => `a name of thirty-six characters ${i}`))],
  ["Produce with very many partitions", produce, 7, produceOf(Array.from({ length: 9000 }, (_, index) => ({ index, records: null })))],
] as const)("of all connections together one request with very many parts is started in a turn: %s", async (_, api, version, body) => {
  const rig = await startBroker();
  const many = await opened(rig, 50);
  const frame = withSize(requestFrame(api as kafka.Api<unknown, never, unknown>, version, body, 1));
  for (const wire of many) void wire.say(frame);
  let [before, most] = [0, 0];
  // Asked between any two turns.
  await rig.host.clock.runUntil(() => {
    const now = answeredRequests(rig, api.name);
    most = Math.max(most, now - before);
    before = now;
    return now === 50;
  });
  expect(most).toBe(1);
});

async function opened(rig: BrokerRig, count: number): Promise<Wire[]> {
  const wires = [];
  for (let i = 0; i < count; i++) wires.push(await Wire.open(rig));
  return wires;
}

function gauge(rig: BrokerRig, name: string): number | undefined {
  const metric = rig.broker.samples().find((each) => each.name === name);
  return metric?.type === "gauge" ? metric.values[0]?.value : undefined;
}

function answeredRequests(rig: BrokerRig, request: string): number {
  const metric = rig.broker.samples().find(({ name }) => name === "kafka_network_requestmetrics_requests_total");
  return metric?.type === "counter" ? (metric.values.find(({ labels }) => labels?.["request"] === request)?.value ?? 0) : 0;
}
