import { errors, pb, uuidToBytes } from "@ottla/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { startBroker } from "../broker.test.kit.ts";
import { batchOf } from "../partition/partition.test.kit.ts";

describe("opening a stream", () => {
  test.each([
    [{ "ottla-protocol": "" }, "INVALID_REQUEST"],
    [{ "ottla-protocol": "2-3" }, "UNSUPPORTED_PROTOCOL"],
    [{ "ottla-node-id": "7" }, "WRONG_NODE"],
  ])("with %o is refused with %s", async (attributes, code) => {
    const rig = await startBroker();
    let refused: unknown;
    try {
      rig.client(attributes).stream("produce");
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ reason: { kind: "rejected", code } });
  });

  test("another node names itself", async () => {
    const rig = await startBroker();
    expect(() => rig.client({ "ottla-node-id": "7" }).stream("call")).toThrow(
      "This is node 1, not node 7: dial the address that node 7 has registered",
    );
    expect(rig.client({ "ottla-node-id": "1", "ottla-protocol": "1-9" }).stream("call").accepted["ottla-protocol"]).toBe("1");
  });
});

describe("frames that are no requests", () => {
  test.each(["produce", "fetch", "call"] as const)("end their %s session with a reason, and nobody else's", async (service) => {
    const rig = await startBroker();
    const topicId = rig.controller.createTopic("orders", 1);
    await rig.host.clock.advance(50);
    const healthy = rig.client();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const client = rig.client();
        await client.send(service, bytes);
        await rig.host.clock.advance(20);
        client.stream(service).session.close();
        await rig.host.clock.advance(1);
        expect((await healthy.produce([{ topicId, partition: 0, records: batchOf(rig.host) }]))[0]?.errorCode).toBe(0);
      }),
      { numRuns: 50 },
    );
    expect(rig.fatal).toEqual([]);
    const broken = rig.client();
    await broken.send(service, new Uint8Array([0x0f, 0xff, 0xff]));
    expect(await broken.closed(service)).toMatchObject({ kind: "rejected", code: "INVALID_REQUEST" });
  });

  test("a topic id of the wrong length ends the session", async () => {
    const rig = await startBroker();
    const client = rig.client();
    await client.send(
      "produce",
      pb.ProduceRequest.encode({
        correlationId: 1,
        acks: -1,
        timeoutMs: 1000,
        partitions: [{ topicId: new Uint8Array(3), partition: 0, records: new Uint8Array(0) }],
      }),
    );
    expect(await client.closed("produce")).toMatchObject({ kind: "rejected", code: "INVALID_REQUEST" });
  });

  test("records that are no batch are refused for their partition alone", async () => {
    const rig = await startBroker();
    const topicId = rig.controller.createTopic("orders", 2);
    await rig.host.clock.advance(50);
    const client = rig.client();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (records) => {
        const [bad, good] = await client.produce([
          { topicId, partition: 0, records },
          { topicId, partition: 1, records: batchOf(rig.host) },
        ]);
        expect(bad).toMatchObject({ notAppended: true, baseOffset: -1 });
        expect([errors.CORRUPT_MESSAGE.code, errors.INVALID_RECORD.code]).toContain(bad?.errorCode);
        expect(good?.errorCode).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});

describe("produce over the door", () => {
  test("acks that do not exist are refused, acks=0 closes the stream when something is wrong", async () => {
    const rig = await startBroker();
    const topicId = rig.controller.createTopic("orders", 1);
    await rig.host.clock.advance(50);
    const client = rig.client();
    expect((await client.produce([{ topicId, partition: 0, records: batchOf(rig.host) }], 2))[0]?.errorCode).toBe(
      errors.INVALID_REQUIRED_ACKS.code,
    );
    await client.startProduce([{ topicId, partition: 0, records: batchOf(rig.host) }], 0);
    await client.startProduce([{ topicId, partition: 9, records: batchOf(rig.host) }], 0);
    expect(await client.closed("produce")).toMatchObject({ kind: "rejected", code: "UNKNOWN_TOPIC_OR_PARTITION" });
    expect((await rig.client().fetch([{ topicId, partition: 0, from: 0 }], { maxWaitMs: 1000 })).partitions[0]?.highWatermark).toBe(1);
  });

  test("requests of one stream are appended in the order sent, however many are under way", async () => {
    const rig = await startBroker();
    const topicId = rig.controller.createTopic("orders", 1);
    await rig.host.clock.advance(50);
    const client = rig.client();
    for (let i = 0; i < 50; i++)
      await client.startProduce([{ topicId, partition: 0, records: batchOf(rig.host, { producerId: 4, sequence: i }) }]);
    const offsets: number[] = [];
    for (let i = 0; i < 50; i++) offsets.push(pb.ProduceResponse.decode(await client.next("produce")).partitions[0]?.baseOffset ?? -1);
    expect(offsets).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  test("a client that takes no answers is cut off, with what it may ask for bounded", async () => {
    const rig = await startBroker();
    const topicId = rig.controller.createTopic("orders", 1);
    await rig.host.clock.advance(50);
    await rig.client().produce([{ topicId, partition: 0, records: batchOf(rig.host, { value: "x".repeat(500_000) }) }]);
    const greedy = rig.client();
    for (let i = 0; i < 1000; i++) void greedy.startFetch([{ topicId, partition: 0, from: 0 }]).catch(() => {});
    await rig.host.clock.advance(1000);
    const held = rig.broker.samples().find(({ name }) => name === "ottla_broker_answer_bytes")?.values[0];
    expect(held && "value" in held ? held.value : -1).toBeLessThanOrEqual(256 << 20);
    await rig.host.clock.advance(90_000);
    expect(await greedy.closed("fetch")).toMatchObject({ kind: "rejected", code: "REQUEST_TIMED_OUT" });
    await rig.host.clock.advance(1000);
    const after = rig.broker.samples().find(({ name }) => name === "ottla_broker_answer_bytes")?.values[0];
    expect(after).toMatchObject({ value: 0 });
  });

  test("clients that take no answers are cut off within seconds when others wait for the memory they hold", async () => {
    const rig = await startBroker({ config: { queuedMaxRequestBytes: 16 << 20 } });
    const topicId = rig.controller.createTopic("orders", 1);
    await rig.host.clock.advance(50);
    await rig.client().produce([{ topicId, partition: 0, records: batchOf(rig.host, { value: "x".repeat(900_000) }) }]);
    const greedy = Array.from({ length: 10 }, () => rig.client());
    for (const each of greedy) for (let i = 0; i < 20; i++) void each.startFetch([{ topicId, partition: 0, from: 0 }]).catch(() => {});
    await rig.host.clock.advance(1000);
    const startedMs = rig.host.clock.monotonicMs();
    const { partitions } = await rig.client().fetch([{ topicId, partition: 0, from: 0 }]);
    expect(partitions[0]?.errorCode).toBe(0);
    expect(rig.host.clock.monotonicMs() - startedMs).toBeLessThanOrEqual(8_000);
  });

  test("a session on which nothing is said is closed after connections.max.idle.ms, one that waits for records is not", async () => {
    const rig = await startBroker({ config: { connectionsMaxIdleMs: 60_000 } });
    const topicId = rig.controller.createTopic("orders", 1);
    await rig.host.clock.advance(50);
    const idle = rig.client();
    idle.stream("call");
    const waiting = rig.client();
    await waiting.startFetch([{ topicId, partition: 0, from: 0 }], { maxWaitMs: 200_000 });
    await rig.host.clock.advance(130_000);
    expect(await idle.closed("call")).toMatchObject({ kind: "rejected", code: "IDLE" });
    await rig.client().produce([{ topicId, partition: 0, records: batchOf(rig.host) }]);
    expect(pb.FetchResponse.decode(await waiting.next("fetch")).partitions[0]?.highWatermark).toBe(1);
  });

  test("shutting down, what was taken is answered and what waits for records is let go", async () => {
    const rig = await startBroker();
    const topicId = rig.controller.createTopic("orders", 1);
    await rig.host.clock.advance(50);
    const client = rig.client();
    await client.startFetch([{ topicId, partition: 0, from: 0 }], { maxWaitMs: 200_000 });
    await rig.host.clock.advance(10);
    await client.startProduce([{ topicId, partition: 0, records: batchOf(rig.host) }]);
    await Promise.resolve();
    const down = rig.broker.shutdown();
    expect(() => rig.client().stream("call")).toThrow(/Node 1 is stopping/);
    expect((await client.closed("fetch")).kind).toBe("finished");
    await rig.run(down);
    expect(rig.broker.health).toMatchObject({ ready: false, reasons: ["the broker stops"] });
  });

  test("an answer can be decoded as it is, with many partitions and much data", async () => {
    const rig = await startBroker();
    const topicId = rig.controller.createTopic("orders", 3);
    await rig.host.clock.advance(50);
    const client = rig.client();
    const sent = [0, 1, 2].map((partition) => ({
      topicId,
      partition,
      records: batchOf(rig.host, { value: "y".repeat(20_000 * partition) }),
    }));
    await client.produce(sent);
    const { partitions, correlationId } = await client.fetch(sent.map(({ partition }) => ({ topicId, partition, from: 0 })));
    expect(correlationId).toBe(2);
    expect(partitions.map(({ records, topicId: id }) => [records.length, Buffer.from(id).equals(uuidToBytes(topicId))])).toEqual(
      sent.map(({ records }) => [records.length, true]),
    );
  });
});
