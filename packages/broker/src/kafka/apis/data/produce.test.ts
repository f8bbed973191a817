import { batches, crc32c, decodeBatch, encodeBatchSync, errors, kafka, readBatchHeader } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import { batchOf } from "../../../partition/partition.test.kit.ts";
import { brokerTwo, type KafkaRig, kafkaRig, produceOf } from "./kafka-client.test.kit.ts";

const { produce } = kafka.apis;

async function stored(rig: KafkaRig, partition = 0): Promise<Uint8Array> {
  const { partitions } = await rig.client().fetch([{ topicId: rig.topicId, partition, from: 0 }]);
  return partitions[0]?.records ?? new Uint8Array(0);
}

/** What the one partition of one request was answered. */
async function send(rig: KafkaRig, records: Uint8Array | null, version = 11, options: Parameters<typeof produceOf>[1] = {}) {
  const { responses } = await rig.kafkaClient.ask(produce, version, produceOf([{ index: 0, records }], options));
  const answer = responses[0]?.partitionResponses[0];
  if (answer === undefined) throw new Error("nothing was answered");
  return answer;
}

/** A good batch with one thing changed. */
function changed(rig: KafkaRig, change: (words: DataView) => void): Uint8Array {
  const batch = batchOf(rig.host, { count: 2 });
  change(new DataView(batch.buffer, batch.byteOffset));
  return batch;
}

/** With a CRC that is right again. */
function resealed(batch: Uint8Array): Uint8Array {
  new DataView(batch.buffer, batch.byteOffset).setUint32(17, crc32c(batch.subarray(21)));
  return batch;
}

describe("producing", () => {
  test.each([3, 4, 5, 6, 7, 8, 9, 10, 11])("version %i is appended and acknowledged with its offset", async (version) => {
    const rig = await kafkaRig({ batches: 2 });
    expect(await send(rig, batchOf(rig.host, { count: 3 }), version)).toMatchObject({ errorCode: 0, baseOffset: 2, logAppendTimeMs: -1 });
    expect([...batches(await stored(rig))].map(({ header }) => header.baseOffset)).toEqual([0, 1, 2]);
  });

  test.each([1, -1])("acks=%i is answered", async (acks) => {
    const rig = await kafkaRig();
    expect(await send(rig, batchOf(rig.host), 7, { acks })).toMatchObject({ errorCode: 0, baseOffset: 0 });
  });

  test("acks=0 is appended and gets no answer: the next answer is that of the next request", async () => {
    const rig = await kafkaRig();
    await rig.kafkaClient.send(produce, 7, produceOf([{ index: 0, records: batchOf(rig.host) }], { acks: 0 }));
    expect(await send(rig, batchOf(rig.host))).toMatchObject({ errorCode: 0, baseOffset: 1 });
  });

  test("an error with acks=0 closes the connection", async () => {
    const rig = await kafkaRig();
    await rig.kafkaClient.send(produce, 7, produceOf([{ index: 9, records: batchOf(rig.host) }], { acks: 0 }));
    await rig.kafkaClient.closed();
  });

  test.each([2, -2, 32_767])("acks=%i is refused", async (acks) => {
    const rig = await kafkaRig();
    expect((await send(rig, batchOf(rig.host), 7, { acks })).errorCode).toBe(errors.INVALID_REQUIRED_ACKS.code);
  });

  test("requests sent at once are appended in their order", async () => {
    const rig = await kafkaRig();
    for (let i = 0; i < 5; i++)
      await rig.kafkaClient.send(
        produce,
        7,
        produceOf([{ index: 0, records: batchOf(rig.host, { producerId: 7, sequence: i, value: `${i}` }) }]),
      );
    for (let i = 0; i < 5; i++) {
      const { responses } = await rig.kafkaClient.next(produce, 7);
      expect(responses[0]?.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: i });
    }
  });

  test("many partitions that are wrong are each refused, and the one that is right is appended", async () => {
    const rig = await kafkaRig();
    const partitionData = Array.from({ length: 500 }, (_, index) => ({ index, records: index === 0 ? batchOf(rig.host) : null }));
    const { responses } = await rig.kafkaClient.ask(produce, 9, produceOf(partitionData));
    const codes = responses[0]?.partitionResponses.map(({ errorCode }) => errorCode);
    expect(codes).toEqual([0, ...Array.from({ length: 499 }, () => errors.UNKNOWN_TOPIC_OR_PARTITION.code)]);
    expect(new Error("stack").stack).toContain("\n");
  });

  test("one partition's error leaves the others alone", async () => {
    const rig = await kafkaRig({ partitions: 2 });
    const good = (index: number) => ({ index, records: batchOf(rig.host) });
    const { responses } = await rig.kafkaClient.ask(produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        { name: "nothing", partitionData: [good(0)] },
        {
          name: "orders",
          partitionData: [good(0), { index: 1, records: changed(rig, (words) => words.setUint32(17, 1)) }, good(2), good(1)],
        },
      ],
    });
    expect(
      responses.map(({ name, partitionResponses }) => [name, partitionResponses.map(({ index, errorCode }) => [index, errorCode])]),
    ).toEqual([
      ["nothing", [[0, errors.UNKNOWN_TOPIC_OR_PARTITION.code]]],
      [
        "orders",
        [
          [0, 0],
          [1, errors.CORRUPT_MESSAGE.code],
          [2, errors.UNKNOWN_TOPIC_OR_PARTITION.code],
          [1, 0],
        ],
      ],
    ]);
    expect(responses[0]?.partitionResponses[0]).toMatchObject({
      baseOffset: -1,
      errorMessage: expect.stringContaining('There is no topic "nothing"'),
    });
  });

  test("a resend of an idempotent producer gets the original offset", async () => {
    const rig = await kafkaRig();
    const batch = (): Uint8Array => batchOf(rig.host, { producerId: 4, sequence: 0, count: 2 });
    expect(await send(rig, batch())).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await send(rig, batchOf(rig.host, { producerId: 4, sequence: 2 }))).toMatchObject({ errorCode: 0, baseOffset: 2 });
    expect(await send(rig, batch())).toMatchObject({ errorCode: 0, baseOffset: 0 });
    const gap = batchOf(rig.host, { producerId: 4, sequence: 4 });
    expect((await send(rig, gap)).errorCode).toBe(errors.OUT_OF_ORDER_SEQUENCE_NUMBER.code);
  });

  test("on a topic with append time the answer tells it, and the batch verifies", async () => {
    const rig = await kafkaRig({ configs: { "message.timestamp.type": "LogAppendTime" } });
    const nowMs = rig.host.clock.wallMs();
    expect(await send(rig, batchOf(rig.host, { timestamp: 1000 }))).toMatchObject({ errorCode: 0, logAppendTimeMs: nowMs });
    const [record] = await decodeBatch(await stored(rig), 0, rig.host.codecs);
    expect(record?.timestamp).toBe(nowMs);
  });

  test("a leader elsewhere is named, with its epoch and address, from version 10 on", async () => {
    const rig = await kafkaRig();
    const { controller } = rig;
    controller.commit(
      { case: "broker", value: brokerTwo },
      { case: "partition", value: controller.partition(rig.topicId, 0, { leader: 2, leaderEpoch: 40, replicas: [2], isr: [2] }) },
    );
    await rig.host.clock.advance(50);
    for (const version of [9, 10]) {
      const answer = await rig.kafkaClient.ask(produce, version, produceOf([{ index: 0, records: batchOf(rig.host) }]));
      const one = answer.responses[0]?.partitionResponses[0];
      expect(one?.errorCode).toBe(errors.NOT_LEADER_OR_FOLLOWER.code);
      expect(one?.currentLeader).toMatchObject(version < 10 ? { leaderId: -1, leaderEpoch: -1 } : { leaderId: 2, leaderEpoch: 40 });
      expect(answer.nodeEndpoints).toEqual(version < 10 ? [] : [{ nodeId: 2, host: "two.example", port: 9292, rack: null }]);
    }
  });
});

describe("what is refused", () => {
  test.each([0, 1, 2])("a request of version %i, whose message sets are of older formats", async (version) => {
    const rig = await kafkaRig();
    expect((await send(rig, batchOf(rig.host), version)).errorCode).toBe(errors.UNSUPPORTED_FOR_MESSAGE_FORMAT.code);
    expect(await stored(rig)).toHaveLength(0);
  });

  test("a transactional id, with a word why", async () => {
    const rig = await kafkaRig();
    expect(await send(rig, batchOf(rig.host), 9, { transactionalId: "t" })).toMatchObject({
      errorCode: errors.INVALID_TXN_STATE.code,
      errorMessage: expect.stringContaining("this version has no transactions"),
    });
  });

  test("a transactional batch without such an id", async () => {
    const rig = await kafkaRig();
    const batch = batchOf(rig.host, { isTransactional: true, producerId: 1 });
    expect((await send(rig, batch)).errorCode).toBe(errors.INVALID_TXN_STATE.code);
  });

  test.each<[what: string, error: keyof typeof errors, records: (rig: KafkaRig) => Uint8Array | null]>([
    ["no records at all", "INVALID_RECORD", () => null],
    ["empty records", "INVALID_RECORD", () => new Uint8Array(0)],
    ["two batches", "INVALID_RECORD", (rig) => Buffer.concat([batchOf(rig.host), batchOf(rig.host)])],
    ["a message of format 0", "INVALID_RECORD", () => new Uint8Array(34)],
    ["a control batch", "INVALID_RECORD", (rig) => resealed(changed(rig, (words) => words.setInt16(21, 0x20)))],
    ["append time said by the client", "INVALID_TIMESTAMP", (rig) => resealed(changed(rig, (words) => words.setInt16(21, 8)))],
    ["a count other than the offsets", "INVALID_RECORD", (rig) => resealed(changed(rig, (words) => words.setInt32(57, 1)))],
    ["a base offset", "INVALID_RECORD", (rig) => changed(rig, (words) => words.setInt32(4, 1))],
    ["a producer without sequence", "INVALID_RECORD", (rig) => resealed(changed(rig, (words) => words.setBigInt64(43, 5n)))],
    ["a wrong CRC", "CORRUPT_MESSAGE", (rig) => changed(rig, (words) => words.setUint32(17, 1))],
    ["a wrong length", "CORRUPT_MESSAGE", (rig) => changed(rig, (words) => words.setInt32(8, 5000))],
    [
      "an older timestamp than the topic takes",
      "INVALID_TIMESTAMP",
      (rig) => batchOf(rig.host, { timestamp: rig.host.clock.wallMs() - 60_001 }),
    ],
  ])("%s: %s", async (_what, error, records) => {
    const rig = await kafkaRig({ configs: { "message.timestamp.before.max.ms": "60000" } });
    expect((await send(rig, records(rig))).errorCode).toBe(errors[error].code);
    expect(await stored(rig)).toHaveLength(0);
    expect((await send(rig, batchOf(rig.host, { timestamp: rig.host.clock.wallMs() - 60_000 }))).errorCode).toBe(0);
  });

  test("a batch above max.message.bytes; one of just that size is taken", async () => {
    const batch = encodeBatchSync([{ key: null, value: new Uint8Array(1000), timestamp: 1 }]);
    const rig = await kafkaRig({ configs: { "max.message.bytes": String(batch.length) } });
    expect((await send(rig, batch)).errorCode).toBe(0);
    const larger = encodeBatchSync([{ key: null, value: new Uint8Array(1001), timestamp: 1 }]);
    expect((await send(rig, larger)).errorCode).toBe(errors.MESSAGE_TOO_LARGE.code);
  });

  test("zstd before version 7; from there on it passes through as it is", async () => {
    const rig = await kafkaRig();
    // Nobody looks into what is compressed.
    const batch = (): Uint8Array => resealed(changed(rig, (words) => words.setInt16(21, 4)));
    expect((await send(rig, batch(), 6)).errorCode).toBe(errors.UNSUPPORTED_COMPRESSION_TYPE.code);
    expect((await send(rig, batch(), 7)).errorCode).toBe(0);
    expect(readBatchHeader(await stored(rig))).toMatchObject({ codec: "zstd" });
  });
});

test.each([
  ["gzip", 1, [0x1f, 0x8b]],
  ["snappy as one block", 2, [0x05, 0x10]],
  ["snappy framed as by Java", 2, [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]],
  ["lz4", 3, [0x04, 0x22, 0x4d, 0x18]],
  ["zstd", 4, [0x28, 0xb5, 0x2f, 0xfd]],
])("%s is stored byte for byte as it came: nobody looks into it", async (_what, codec, start) => {
  const rig = await kafkaRig();
  const batch = changed(rig, (words) => {
    words.setInt16(21, codec);
    for (let at = 61; at < words.byteLength; at++) words.setUint8(at, start[at - 61] ?? at);
  });
  resealed(batch);
  const sent = batch.slice();
  expect((await send(rig, batch)).errorCode).toBe(0);
  const read = await stored(rig);
  expect(read.subarray(16)).toEqual(sent.subarray(16));
});

test("a producer that leaves the largest timestamp out is found by time nonetheless", async () => {
  const rig = await kafkaRig();
  const nowMs = rig.host.clock.wallMs();
  const batch = batchOf(rig.host, { count: 3, timestamp: nowMs });
  new DataView(batch.buffer, batch.byteOffset).setBigInt64(35, -1n);
  resealed(batch);
  expect((await send(rig, batch)).errorCode).toBe(0);
  expect(readBatchHeader(await stored(rig)).maxTimestamp).toBe(nowMs + 2);
});
