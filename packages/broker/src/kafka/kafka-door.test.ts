import { kafka } from "@ottla/protocol";
import { expect, test } from "vitest";
import { startBroker } from "../broker.test.kit.ts";
import { kafkaRig } from "./apis/data/kafka-client.test.kit.ts";
import { listeningLogger, requestFrame, Wire, withSize } from "./wire.test.kit.ts";

const { apiVersions, fetch } = kafka.apis;
const who = { clientSoftwareName: "test", clientSoftwareVersion: "1" };

test.each([
  ["GET / HTTP/1.1\r\n\r\n", "speaks HTTP: health and metrics are at another door (http.listeners)"],
  ["POST /v1", "speaks HTTP:"],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "speaks HTTP/2, as gRPC clients do: the door for them is another one (grpc.listeners)"],
  ["\u0016\u0003\u0001\u0000\u00c8\u0001\u0000", "speaks TLS: this listener is PLAINTEXT"],
  ["SSH-2.0-OpenSSH_9.2\r\n", "speaks SSH"],
  ["\u00ff\u00ff\u00ff\u00fe", "it says that its request has -2 bytes"],
  ["\u0006\u0040\u0000\u0001", "sends a request of 104857601 bytes or no Kafka request at all; socket.request.max.bytes allows 104857600"],
])("who says %j to Kafka's door is named in the log, and his connection closed", async (text, expected) => {
  const { logger, said } = listeningLogger();
  const rig = await startBroker({ logger });
  const [stranger, client] = [await Wire.open(rig), await Wire.open(rig)];
  await stranger.say(Buffer.from(text, "latin1"));
  await stranger.settled();
  expect(stranger.ended).toBe(true);
  expect(said).toEqual([expect.stringContaining(expected)]);
  await client.ask(apiVersions, 3, who, 1);
  await client.answer(1);
});

test("strangers who come by the hundred get a line a second", async () => {
  const { logger, said } = listeningLogger();
  const rig = await startBroker({ logger });
  for (let i = 0; i < 100; i++) {
    const stranger = await Wire.open(rig);
    await stranger.say(Buffer.from("GET / HTTP/1.1\r\n"));
    await rig.host.clock.advance(50);
  }
  expect(said.length).toBeGreaterThan(3);
  expect(said.length).toBeLessThan(8);
});

test("a request of socket.request.max.bytes is taken, one of a byte more closes its connection", async () => {
  const rig = await startBroker({ config: { socketRequestMaxBytes: 1024 } });
  const padded = (bytes: number): Buffer => {
    const clientId = "c".repeat(bytes - requestFrame(apiVersions, 0, who, 1, "").length);
    return withSize(requestFrame(apiVersions, 0, who, 1, clientId));
  };
  const [atLimit, beyond] = [await Wire.open(rig), await Wire.open(rig)];
  await atLimit.say(padded(1024));
  await atLimit.answer(1);
  await beyond.say(padded(1025));
  await beyond.settled();
  expect(beyond).toMatchObject({ ended: true, answered: [] });
});

test("connections up to max.connections are taken, over all listeners; a further one is turned away with a line in the log", async () => {
  const { logger, said } = listeningLogger();
  const listeners = ["ONE", "TWO"].map((name) => ({ name, host: "localhost", port: 0 }));
  const rig = await startBroker({ logger, config: { maxConnections: 3, listeners } });
  const taken = [await Wire.open(rig), await Wire.open(rig), await Wire.open(rig, { listener: 1 })];
  for (const wire of taken) {
    await wire.ask(apiVersions, 3, who, 1);
    await wire.answer(1);
  }
  const further = await Wire.open(rig, { listener: 1 });
  await further.settled();
  expect(further.ended).toBe(true);
  expect(said).toEqual([expect.stringContaining("there are 3 connections, which is the limit; close some or raise max.connections")]);
  taken[0]?.close();
  await rig.host.clock.advance(10);
  const next = await Wire.open(rig);
  await next.ask(apiVersions, 3, who, 1);
  await next.answer(1);
});

test("who comes while the broker starts is answered as soon as it serves", async () => {
  const rig = await startBroker({ unready: true });
  const early = await Wire.open(rig);
  await early.ask(apiVersions, 3, who, 1);
  await rig.run(rig.broker.ready);
  await early.answer(1);
});

test("who comes while the broker starts is not kept for long: it may have others to ask", async () => {
  const { StandInController } = await import("../controller/controller.test.kit.ts");
  const controller = new StandInController();
  controller.keepFenced = true;
  const rig = await startBroker({ unready: true, controller });
  const early = await Wire.open(rig);
  await rig.host.clock.advance(2900);
  expect(early.ended).toBe(false);
  await rig.host.clock.advance(200);
  expect(early.ended).toBe(true);
});

test("a broker that stops answers what it has taken, fetches that wait included, then closes", async () => {
  const rig = await kafkaRig();
  const [waiting, idle] = [await Wire.open(rig), await Wire.open(rig)];
  const topics = [{ topic: "orders", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }];
  await waiting.ask(fetch, 11, { maxWaitMs: 60_000, minBytes: 1, maxBytes: 1000, topics, forgottenTopicsData: [], rackId: "" }, 1);
  await waiting.ask(apiVersions, 3, who, 2);
  await waiting.settled();
  const beforeMs = rig.host.clock.monotonicMs();
  await rig.run(rig.broker.shutdown());
  await rig.host.clock.advance(1);
  expect(waiting).toMatchObject({ answered: [1, 2], ended: true });
  expect(idle).toMatchObject({ answered: [], ended: true });
  expect(rig.host.clock.monotonicMs() - beforeMs).toBeLessThan(5000);
  const late = await Wire.open(rig);
  await late.settled();
  expect(late.ended).toBe(true);
});

test("requests are counted by the names of Kafka's APIs", async () => {
  const rig = await startBroker();
  const wire = await Wire.open(rig);
  await wire.ask(apiVersions, 3, who, 1);
  await wire.answer(1);
  const counted = rig.broker.samples().find(({ name }) => name === "kafka_network_requestmetrics_requests_total");
  expect(counted?.values).toEqual([{ labels: { request: "ApiVersions" }, value: 1 }]);
});

test("a large request of a client who goes again before the broker serves gives back its memory", async () => {
  const { StandInController } = await import("../controller/controller.test.kit.ts");
  const controller = new StandInController();
  controller.keepFenced = true;
  const rig = await startBroker({ unready: true, controller });
  const early = await Wire.open(rig);
  await early.say(withSize(Buffer.alloc(1 << 20)));
  await early.settled();
  expect(rig.entrance.arrivingBytes.used).toBe(1 << 20);
  early.close();
  await rig.host.clock.advance(10);
  expect(rig.entrance.arrivingBytes.used).toBe(0);
});
