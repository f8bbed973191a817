import { BATCH_HEADER_BYTES, crc32c, decodeBatch, encodeBatch, encodeBatchSync, errorName, type pb } from "@ottla/protocol";
import { type CodecName, nodeHost } from "@ottla/host";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Rig } from "./rig.ts";
import { callFrame, fetchFrame, produceFrame, type Wire, type WireClient } from "./wire.ts";

const maxMessageBytes = 100_000;
const unknownId = new Uint8Array(16).fill(9);
let rig: Rig;
let client: WireClient;
let topicId: Uint8Array;
let wire: Wire<pb.ProduceResponse>;

beforeAll(async () => {
  rig = await Rig.start({ "message.max.bytes": String(maxMessageBytes) });
  client = rig.client();
  topicId = await client.createTopic("orders", 2);
  wire = await client.produce();
});

afterAll(() => rig[Symbol.asyncDispose]());

interface Outcome {
  readonly error: string;
  readonly message: string;
  readonly notAppended: boolean;
  readonly baseOffset: number;
}

async function produce(records: Uint8Array, to: { topicId?: Uint8Array; partition?: number } = {}): Promise<Outcome> {
  const { partitions } = await wire.ask(produceFrame(wire, [{ topicId, ...to, records }]));
  const [answer] = partitions;
  if (answer === undefined) throw new Error("No answer for the partition");
  return {
    error: errorName(answer.errorCode),
    message: answer.errorMessage,
    notAppended: answer.notAppended,
    baseOffset: answer.baseOffset,
  };
}

async function endOffset(): Promise<number> {
  await using calls = await client.call();
  const { answer } = await calls.ask(
    callFrame(calls, {
      case: "listOffsets",
      value: { isolation: 0, partitions: [{ topicId, partition: 0, timestamp: -1, leaderEpoch: -1 }] },
    }),
  );
  return answer.case === "listOffsets" ? (answer.value.partitions[0]?.offset ?? -1) : -1;
}

type Change = (view: DataView, bytes: Uint8Array) => void;

function batch(change: Change = () => {}, options: { crc?: boolean; producerId?: number; baseSequence?: number } = {}): Uint8Array {
  const { crc = true, ...producer } = options;
  const timestamp = Date.now();
  const records = ["a", "b"].map((value) => ({ key: null, value: Buffer.from(value), timestamp }));
  const bytes = encodeBatchSync(records, { producerEpoch: 0, ...producer });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  change(view, bytes);
  if (crc) view.setUint32(17, crc32c(bytes.subarray(21)));
  return bytes;
}

const joined = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

describe("a batch is refused, not appended, with what is wrong and the number that is", () => {
  test.each<[string, () => Uint8Array, string, RegExp]>([
    ["no batch", () => new Uint8Array(0), "INVALID_RECORD", /there is none/],
    ["a batch that is cut", () => batch().slice(0, 40), "CORRUPT_MESSAGE", /40 bytes came.*61/],
    ["a wrong CRC", () => batch((view) => view.setUint32(17, 1), { crc: false }), "CORRUPT_MESSAGE", /CRC-32C/],
    ["a changed byte", () => batch((_, bytes) => bytes.fill(0xff, -2), { crc: false }), "CORRUPT_MESSAGE", /CRC-32C/],
    ["a length that is too long", () => batch((view) => view.setInt32(8, 1_000_000)), "CORRUPT_MESSAGE", /1000012 bytes and \d+ came/],
    ["a negative length", () => batch((view) => view.setInt32(8, -5)), "CORRUPT_MESSAGE", /7 bytes/],
    ["a second batch behind the first", () => joined(batch(), batch()), "INVALID_RECORD", /exactly one batch/],
    ["an older format", () => batch((view) => view.setInt8(16, 1)), "INVALID_RECORD", /version 1 and only 2/],
    ["a count that is too small", () => batch((view) => view.setInt32(57, 1)), "INVALID_RECORD", /1 records and last offset delta 1/],
    [
      "a count that cannot be",
      () => batch((view) => (view.setInt32(57, 2 ** 30), view.setInt32(23, 2 ** 30 - 1))),
      "INVALID_RECORD",
      /1073741824 records/,
    ],
    ["a negative count", () => batch((view) => view.setInt32(57, -1)), "INVALID_RECORD", /-1/],
    ["a base offset", () => batch((view) => view.setBigInt64(0, 7n)), "INVALID_RECORD", /base offset is 7/],
    ["an unknown compression", () => batch((view) => view.setInt16(21, 6)), "UNSUPPORTED_COMPRESSION_TYPE", /compression 6/],
    ["a control batch", () => batch((view) => view.setInt16(21, 0x20)), "INVALID_RECORD", /control batch/],
    ["a producer id without a sequence", () => batch(() => {}, { producerId: 77, baseSequence: -1 }), "INVALID_RECORD", /base sequence -1/],
    ["a first sequence that is not 0", () => batch(() => {}, { producerId: 78, baseSequence: 5 }), "OUT_OF_ORDER_SEQUENCE_NUMBER", /78.*5/],
  ])("%s", async (_, make, error, message) => {
    const before = await endOffset();
    expect(await produce(make())).toMatchObject({ error, notAppended: true, baseOffset: -1, message: expect.stringMatching(message) });
    expect(await endOffset()).toBe(before);
  });
});

test("a batch of exactly the limit is taken, one byte more is refused with both numbers", async () => {
  const sized = (bytes: number): Uint8Array => {
    const empty = encodeBatchSync([{ key: null, value: new Uint8Array(bytes - 90), timestamp: Date.now() }], {});
    return encodeBatchSync([{ key: null, value: new Uint8Array(bytes - 90 + bytes - empty.length), timestamp: Date.now() }], {});
  };
  expect(sized(maxMessageBytes).length).toBe(maxMessageBytes);
  expect(await produce(sized(maxMessageBytes))).toMatchObject({ error: "NONE" });
  expect(await produce(sized(maxMessageBytes + 1))).toMatchObject({
    error: "MESSAGE_TOO_LARGE",
    notAppended: true,
    message: expect.stringMatching(/100001 bytes.*100000.*max\.message\.bytes/),
  });
});

test("sequences go on by one: a resend is answered with its first offset, a gap is refused", async () => {
  const options = { producerId: 90 };
  const first = await produce(
    batch(() => {}, { ...options, baseSequence: 0 }),
    { partition: 1 },
  );
  expect(first).toMatchObject({ error: "NONE", baseOffset: 0 });
  expect(
    await produce(
      batch(() => {}, { ...options, baseSequence: 0 }),
      { partition: 1 },
    ),
  ).toMatchObject({ error: "NONE", baseOffset: 0 });
  expect(
    await produce(
      batch(() => {}, { ...options, baseSequence: 3 }),
      { partition: 1 },
    ),
  ).toMatchObject({ error: "OUT_OF_ORDER_SEQUENCE_NUMBER", notAppended: true, message: expect.stringMatching(/90.*3/) });
  expect(
    await produce(
      batch(() => {}, { ...options, baseSequence: 2 }),
      { partition: 1 },
    ),
  ).toMatchObject({ error: "NONE", baseOffset: 2 });
});

test("an unknown topic id and a partition out of range are named", async () => {
  expect(await produce(batch(), { topicId: unknownId })).toMatchObject({
    error: "UNKNOWN_TOPIC_ID",
    notAppended: true,
    message: expect.stringContaining("CQkJCQkJCQkJCQkJCQkJCQ"),
  });
  expect(await produce(batch(), { partition: 2 })).toMatchObject({
    error: "UNKNOWN_TOPIC_OR_PARTITION",
    notAppended: true,
    message: expect.stringMatching(/orders has no partition 2.*0 to 1/),
  });
  await using fetch = await client.fetch();
  const fetched = await fetch.ask(
    fetchFrame(fetch, [
      { topicId: unknownId, offset: 0 },
      { topicId, partition: 2, offset: 0 },
      { topicId, partition: 1, offset: 0 },
    ]),
  );
  expect(fetched.partitions.map(({ errorCode }) => errorName(errorCode))).toEqual([
    "UNKNOWN_TOPIC_ID",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "NONE",
  ]);
});

test("an offset out of range is answered with the range", async () => {
  const end = await endOffset();
  await using fetch = await client.fetch();
  const { partitions } = await fetch.ask(fetchFrame(fetch, [{ topicId, offset: end + 1 }]));
  expect(partitions[0]).toMatchObject({
    errorCode: 1,
    errorMessage: expect.stringMatching(new RegExp(`Offset ${end + 1} .*orders.* 0 to ${end}`)),
  });
  const atEnd = await fetch.ask(fetchFrame(fetch, [{ topicId, offset: end }]));
  expect(atEnd.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: end });
});

test.each<CodecName>(["gzip", "snappy", "lz4", "zstd"])(
  "damaged %s data is carried as it came, and only its reader learns of it",
  async (codec) => {
    const { codecs } = nodeHost();
    const good = await encodeBatch([{ key: null, value: Buffer.from("text ".repeat(100)), timestamp: Date.now() }], { codec, codecs });
    good.fill(0xee, BATCH_HEADER_BYTES + 2);
    new DataView(good.buffer, good.byteOffset).setUint32(17, crc32c(good.subarray(21)));
    const { error, baseOffset } = await produce(good);
    expect(error).toBe("NONE");
    await using fetch = await client.fetch();
    const { partitions } = await fetch.ask(fetchFrame(fetch, [{ topicId, offset: baseOffset, maxBytes: 1 }]));
    const [found] = partitions;
    if (found === undefined) throw new Error("No answer");
    await expect(decodeBatch(found.records, 0, codecs)).rejects.toMatchObject({
      error: "CORRUPT_MESSAGE",
      message: expect.stringContaining(codec),
    });
  },
);

test("nothing of this was an accident to the node", () => {
  expect(rig.node.errors).toBe("");
});
