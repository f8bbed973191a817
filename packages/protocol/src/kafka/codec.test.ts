import { describe, expect, test } from "vitest";
import type { Uuid } from "../ids.ts";
import { apiByKey, apis } from "./apis.ts";
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./codec.ts";
import { decodeRequestHeader } from "./header.ts";
import { MAX_REQUEST_ITEMS, MAX_TAGS } from "./limits.ts";
import { MalformedFrame } from "./malformed-frame.ts";
import type { ProduceRequest } from "./messages/produce.ts";

const joined = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const hex = (...parts: string[]): Uint8Array => new Uint8Array(Buffer.from(parts.join("").replaceAll(" ", ""), "hex"));
const int32 = (value: number): string => value.toString(16).padStart(8, "0");

describe("a request", () => {
  test("has the bytes of Kafka's classic encoding", () => {
    const request = { topics: [{ topicId: none, name: "ab" }], allowAutoTopicCreation: true };
    const frame = joined(encodeRequest(apis.metadata, 4, { correlationId: 258, clientId: "c" }, request));
    expect(frame).toEqual(hex("0003 0004 00000102 0001 63", "00000001 0002 6162", "01"));
    expect(decodeRequestHeader(frame)).toEqual({ apiKey: 3, apiVersion: 4, correlationId: 258, clientId: "c", bodyAt: 11 });
  });

  test("has the bytes of the flexible encoding, where the client id keeps its classic length", () => {
    const frame = joined(
      encodeRequest(apis.metadata, 12, { correlationId: 1, clientId: null }, { topics: null, allowAutoTopicCreation: false }),
    );
    expect(frame).toEqual(hex("0003 000c 00000001 ffff 00", "00", "00", "00", "00"));
    const { bodyAt } = decodeRequestHeader(frame);
    expect(decodeRequest(apis.metadata, 12, frame, bodyAt).topics).toBeNull();
  });

  test("is read when it goes on behind its last field, as librdkafka 2.16 asks for all topics", () => {
    const frame = hex("0003 000d 00000003 0007 72646b61666b61 00", "00 00 00 00", "01 00 00");
    const { bodyAt } = decodeRequestHeader(frame);
    expect(decodeRequest(apis.metadata, 13, frame, bodyAt)).toMatchObject({ topics: null, allowAutoTopicCreation: false });
  });

  test("of an unknown API has a readable header", () => {
    expect(decodeRequestHeader(hex("7fff 0000 00000009 0000 ff"))).toMatchObject({
      apiKey: 0x7fff,
      correlationId: 9,
      clientId: "",
      bodyAt: 10,
    });
    expect(apiByKey(0x7fff)).toBeUndefined();
  });

  test("of an older version reads what that version lacks as its default", () => {
    const asked = {
      maxWaitMs: 1,
      minBytes: 2,
      topics: [{ topic: "t", partitions: [{ partition: 0, fetchOffset: 5, partitionMaxBytes: 6 }] }],
    };
    const frame = joined(encodeRequest(apis.fetch, 4, { correlationId: 1, clientId: "" }, asked));
    const { bodyAt } = decodeRequestHeader(frame);
    expect(decodeRequest(apis.fetch, 4, frame, bodyAt)).toMatchObject({
      sessionId: 0,
      sessionEpoch: -1,
      rackId: "",
      forgottenTopicsData: [],
      topics: [{ partitions: [{ currentLeaderEpoch: -1, lastFetchedEpoch: -1, highWatermark: Number.MAX_SAFE_INTEGER }] }],
    });
  });
});

describe("records", () => {
  const batch = new Uint8Array(4000).fill(9);

  test("are passed by reference, in both directions", () => {
    const request = produceRequest(batch);
    const parts = encodeRequest(apis.produce, 9, { correlationId: 1, clientId: "c" }, request);
    expect(parts.filter((part) => part === batch)).toHaveLength(1);
    const frame = joined(parts);
    const read = decodeRequest(apis.produce, 9, frame, decodeRequestHeader(frame).bodyAt).topicData[0]?.partitionData[0]?.records;
    expect(read).toEqual(batch);
    expect(read?.buffer).toBe(frame.buffer);
  });

  test("may be given as slices that follow each other, small ones included", () => {
    const slices = [batch, new Uint8Array([1, 2]), batch, batch];
    const answer = { responses: [{ topic: "t", partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 1, records: slices }] }] };
    const { body } = decodeResponse(apis.fetch, 11, joined(encodeResponse(apis.fetch, 11, 1, answer)));
    expect(body.responses[0]?.partitions[0]?.records).toEqual(joined(slices));
  });
});

describe("tagged fields", () => {
  const answer = { errorCode: 0, apiKeys: [], finalizedFeaturesEpoch: 7 };

  test("at their default do not travel", () => {
    const silent = joined(encodeResponse(apis.apiVersions, 3, 1, { ...answer, finalizedFeaturesEpoch: -1, supportedFeatures: [] }));
    expect(silent).toEqual(hex("00000001 0000 01 00000000 00"));
  });

  test("that nobody knows are kept and written again, in their order", () => {
    const frame = hex("00000001 0000 01 00000000", "03", "01 08 0000000000000007", "04 02 abcd", "8001 00");
    const { body } = decodeResponse(apis.apiVersions, 3, frame);
    expect(body.finalizedFeaturesEpoch).toBe(7);
    expect(body.unknownTags).toEqual([
      { tag: 4, bytes: hex("abcd") },
      { tag: 128, bytes: hex("") },
    ]);
    expect(joined(encodeResponse(apis.apiVersions, 3, 1, body))).toEqual(frame);
  });

  test("must ascend, fill their size and be few", () => {
    const read = (...tags: string[]) => decodeResponse(apis.apiVersions, 3, hex("00000001 0000 01 00000000", ...tags));
    expect(() => read("02", "04 00", "04 00")).toThrow(/tag 4 comes after tag 4/);
    expect(() => read("01", "01 09 0000000000000007 00")).toThrow(/1 bytes are left in the tagged field/);
    expect(() => read("01", "01 07 00000000000007")).toThrow(/finalizedFeaturesEpoch: 8 bytes announced at byte \d+, 7 left/);
    expect(() => read("e907", "00".repeat(4000))).toThrow(new RegExp(`1001 tagged fields, at most ${MAX_TAGS}`));
  });
});

describe("false lengths and counts", () => {
  const metadata = (...body: string[]) => decodeRequest(apis.metadata, 4, hex(...body), 0);

  test("are refused before anything is made of them", () => {
    expect(() => metadata(int32(0x7fffffff), "0000")).toThrow(
      /topics: 2147483647 items of at least 2 bytes announced at byte 4, 2 bytes left/,
    );
    expect(() => metadata("fffffffe")).toThrow(/topics: a count of -2/);
    expect(() => metadata(int32(1), "7fff 61")).toThrow(/topics.name: 32767 bytes announced at byte 6, 1 left/);
    expect(() => metadata(int32(1), "ffff 01")).toThrow(/topics.name: null, which this version does not allow/);
    expect(() => metadata(int32(1), "0001 ff 01")).toThrow(/topics.name: the 1 bytes at byte 6 are not UTF-8/);
  });

  test("and a count that the frame could hold is bounded as well", () => {
    const count = MAX_REQUEST_ITEMS + 1;
    const frame = new Uint8Array(4 + 2 * count + 1);
    new DataView(frame.buffer).setInt32(0, count);
    expect(() => decodeRequest(apis.metadata, 4, frame, 0)).toThrow(/1 more items than one message may have/);
  });

  test("of more than 31 bits are refused in the compact form", () => {
    const read = (length: string) => decodeRequest(apis.metadata, 12, hex(length, "00".repeat(20)), 0);
    expect(() => read("ffffffff0f")).toThrow(MalformedFrame);
    expect(() => read("ffffffffff01")).toThrow(MalformedFrame);
    expect(() => read("ffffffff07")).toThrow(/items of at least/);
  });
});

describe("64-bit numbers", () => {
  const committed = (bytes: string) =>
    decodeRequest(apis.offsetCommit, 0, hex("0001 67", int32(1), "0001 74", int32(1), int32(0), bytes, "ffff"), 0).topics[0]?.partitions[0]
      ?.committedOffset;
  const timestamp = (bytes: string) =>
    decodeRequest(apis.listOffsets, 1, hex("ffffffff", int32(1), "0001 74", int32(1), int32(0), bytes), 0).topics[0]?.partitions[0]
      ?.timestamp;

  test("are exact up to 2^53, and malformed beyond", () => {
    expect(committed("ffffffffffffffff")).toBe(-1);
    expect(committed("001fffffffffffff")).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => committed("0020000000000000")).toThrow(/committedOffset: 9007199254740992 exceeds/);
  });

  const fetchOffset = (bytes: string) =>
    decodeRequest(
      apis.fetch,
      4,
      hex("ffffffff", int32(0), int32(0), int32(0), "00", int32(1), "0001 74", int32(1), int32(0), bytes, int32(0)),
      0,
    ).topics[0]?.partitions[0]?.fetchOffset;

  const deletedTo = (bytes: string) =>
    decodeRequest(apis.deleteRecords, 0, hex(int32(1), "0001 74", int32(1), int32(0), bytes, int32(0)), 0).topics[0]?.partitions[0]?.offset;

  test("are brought to the nearest where clients send the greatest there is", () => {
    expect(fetchOffset("7fffffffffffffff")).toBe(Number.MAX_SAFE_INTEGER);
    expect(deletedTo("7fffffffffffffff")).toBe(Number.MAX_SAFE_INTEGER);
    expect(timestamp("7fffffffffffffff")).toBe(Number.MAX_SAFE_INTEGER);
    expect(timestamp("8000000000000000")).toBe(Number.MIN_SAFE_INTEGER);
  });
});

test("a value that does not fit its field is a bug, and leaves nothing behind", () => {
  const broken = { ...produceRequest(new Uint8Array(3)), acks: 40_000 };
  const header = { correlationId: 1, clientId: "c" };
  expect(() => encodeRequest(apis.produce, 9, header, broken)).toThrow(
    "Invariant broken: acks cannot be written: 40000 is not a whole number of 16 bits",
  );
  const frame = joined(encodeRequest(apis.produce, 9, header, produceRequest(new Uint8Array(3))));
  expect(decodeRequestHeader(frame).apiKey).toBe(0);
});

const none = "00000000000000000000000000000000" as Uuid;

function produceRequest(records: Uint8Array): ProduceRequest {
  return {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: "topic", topicId: none, partitionData: [{ index: 0, records }] }],
  };
}
