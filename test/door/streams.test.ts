import type { NetworkError } from "@ottla/host";
import { Ottla, type RecordMetadata } from "@ottla/client";
import { encodeBatchSync, errorName, pb, services } from "@ottla/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Rig } from "./rig.ts";
import { callFrame, fetchFrame, produceFrame, Wire, type WireClient } from "./wire.ts";

const maxFrameBytes = 2 << 20;
let rig: Rig;
let client: WireClient;
let topicId: Uint8Array;

beforeAll(async () => {
  rig = await Rig.start({ "grpc.max.message.bytes": String(maxFrameBytes), "max.connections": "40", "connections.max.idle.ms": "1000" });
  client = rig.client();
  topicId = await client.createTopic("orders");
});

afterAll(() => rig[Symbol.asyncDispose]());

const record = (bytes = 10): Uint8Array => encodeBatchSync([{ key: null, value: new Uint8Array(bytes), timestamp: Date.now() }], {});

/** Somebody else's work goes on. */
async function serves(): Promise<void> {
  await using wire = await rig.client().produce();
  const { partitions } = await wire.ask(produceFrame(wire, [{ topicId, records: record() }]));
  expect(partitions[0]).toMatchObject({ errorCode: 0 });
}

describe.each([services.produce, services.fetch, services.call])("on %s", (service) => {
  test.each<[string, Uint8Array]>([
    ["a message that is cut", Uint8Array.of(0x22, 0x7f, 1)],
    ["garbage", new Uint8Array(200).fill(0xff)],
    ["a number of more than 64 bits", Uint8Array.of(0x08, ...new Array<number>(10).fill(0xff), 1)],
    ["an endless nesting", new Uint8Array(3000).fill(0x22)],
  ])("%s ends the stream with INVALID_REQUEST, others are served", async (_, frame) => {
    const session = await client.dial(service);
    await session.send([frame]);
    expect(await session.closed).toMatchObject({
      kind: "rejected",
      code: "INVALID_REQUEST",
      message: expect.stringMatching(/^Cannot read the message: \w+/),
    });
    await serves();
  });

  test("a message above the limit ends the stream with its size and the limit, others are served", async () => {
    const session = await client.dial(service);
    await session.send([new Uint8Array(maxFrameBytes + 1)]).catch(() => {});
    expect(await session.closed).toMatchObject({
      kind: "rejected",
      code: "RESOURCE_EXHAUSTED",
      message: expect.stringMatching(new RegExp(`${maxFrameBytes + 1}.*${maxFrameBytes}`)),
    });
    await serves();
  });

  test("a stream without a version, of another version or for another node is refused by name", async () => {
    await expect(client.dial(service, { "ottla-protocol": "" })).rejects.toMatchObject({
      reason: { code: "INVALID_REQUEST", message: expect.stringContaining("1-1") },
    });
    await expect(client.dial(service, { "ottla-protocol": "7-9" })).rejects.toMatchObject({
      reason: { code: expect.stringMatching(/^UNSUPPORTED/), message: expect.stringMatching(/7-9.*1-1/) },
    });
    await expect(client.dial(service, { "ottla-node-id": "3" })).rejects.toMatchObject({
      reason: { code: "WRONG_NODE", message: expect.stringMatching(/node 1, not node 3/) },
    });
  });

  test("a stream on which nothing is said is closed after connections.max.idle.ms", async () => {
    const session = await client.dial(service);
    expect(await session.closed).toMatchObject({
      kind: "rejected",
      code: "IDLE",
      message: expect.stringContaining("connections.max.idle.ms"),
    });
  });
});

test("a message of exactly the limit is taken", async () => {
  await using wire = await client.produce();
  const frame = (bytes: number): Uint8Array => produceFrame({ nextCorrelationId: 1 }, [{ topicId, records: new Uint8Array(bytes) }]);
  const overhead = frame(maxFrameBytes - 100).length - (maxFrameBytes - 100);
  const exact = frame(maxFrameBytes - overhead);
  expect(exact.length).toBe(maxFrameBytes);
  const { partitions } = await wire.ask(exact);
  expect(errorName(partitions[0]?.errorCode ?? 0)).toBe("MESSAGE_TOO_LARGE");
});

test("a service that is not there, is refused; one of another door with the right door named", async () => {
  await expect(client.dial("ottla.v1.Client/Nothing")).rejects.toMatchObject({
    reason: { code: "UNIMPLEMENTED", message: expect.stringContaining("ottla.v1.Client/Nothing") },
  });
  for (const service of [services.session, services.metadata, services.raft, services.replication])
    await expect(client.dial(service)).rejects.toMatchObject({
      reason: { code: "UNSUPPORTED_ENDPOINT_TYPE", message: expect.stringContaining("node.listeners") },
    });
});

test("a stream above max.connections is refused with the limit and the setting; one that is closed makes room", async () => {
  const sessions: Awaited<ReturnType<WireClient["dial"]>>[] = [];
  let refused: NetworkError | undefined;
  while (refused === undefined && sessions.length < 41) {
    await client.dial(services.call).then(
      (session) => sessions.push(session),
      (error: NetworkError) => (refused = error),
    );
  }
  expect(refused?.reason).toMatchObject({ code: "RESOURCE_EXHAUSTED", message: expect.stringMatching(/40 sessions.*max\.connections/) });
  sessions.pop()?.close();
  await expect
    .poll(() =>
      client.dial(services.call).then(
        (session) => session.close(),
        (error: Error) => error.message,
      ),
    )
    .toBeUndefined();
  for (const session of sessions) session.close();
});

test("records sent to a topic while it is deleted are acknowledged or refused, and nothing hangs", async () => {
  await using ottla = new Ottla({ bootstrap: rig.address });
  const admin = ottla.admin();
  await admin.createTopic({ name: "doomed", partitions: 3 });
  await using producer = ottla.producer({ deliveryTimeoutMs: 3000 });
  const outcomes: Promise<RecordMetadata | Error>[] = [];
  for (let at = 0; at < 300; at++) {
    outcomes.push(
      producer
        .send("doomed", { value: `record ${at}` })
        .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error)))),
    );
    if (at === 150)
      outcomes.push(
        admin.deleteTopics(["doomed"]).then(
          () => new Error("deleted"),
          (error: Error) => error,
        ),
      );
    if (at % 10 === 0) await Promise.race([outcomes.at(-1), new Promise((resolve) => setTimeout(resolve, 5))]);
  }
  const settled = await Promise.all(outcomes);
  const messages = new Set(settled.filter((each) => each instanceof Error).map((each) => each.message.replaceAll(/\d+/g, "N")));
  expect(settled.filter((each) => !(each instanceof Error)).length).toBeGreaterThan(0);
  expect([...messages].filter((message) => !/deleted|doomed/.test(message))).toEqual([]);
  await serves();
});

test("a fetch that waits for a topic ends when the topic is deleted", async () => {
  const doomed = await client.createTopic("waited");
  await using wire = await client.fetch();
  await wire.session.send([fetchFrame(wire, [{ topicId: doomed, offset: 0 }], { maxWaitMs: 60_000 })]);
  await using calls = await rig.client().call();
  await calls.ask(callFrame(calls, { case: "deleteTopics", value: { names: ["waited"], topicIds: [] } }));
  const { partitions } = await wire.answer();
  expect(["UNKNOWN_TOPIC_ID", "NOT_LEADER_OR_FOLLOWER", "UNKNOWN_TOPIC_OR_PARTITION"]).toContain(errorName(partitions[0]?.errorCode ?? 0));
});

test("an empty call is refused with its correlation id, and the stream goes on", async () => {
  await using wire = await client.call();
  expect(await wire.ask(callFrame(wire, { case: undefined }))).toMatchObject({ correlationId: 1, errorCode: 42 });
  expect(await wire.ask(callFrame(wire, { case: "describeCluster", value: {} }))).toMatchObject({ correlationId: 2, errorCode: 0 });
});

test("a fetch with ids of another length is refused", async () => {
  const session = await client.dial(services.fetch);
  await using wire = new Wire(session, (bytes) => pb.FetchResponse.decode(bytes));
  await session.send([fetchFrame(wire, [{ topicId: Uint8Array.of(1, 2), offset: 0 }])]);
  expect(await session.closed).toMatchObject({ code: "INVALID_REQUEST", message: expect.stringMatching(/id from 2 bytes.*16/) });
});

test("nothing of this was an accident to the node", () => {
  expect(rig.node.errors).toBe("");
});
