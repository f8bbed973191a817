import { deepStrictEqual } from "node:assert";
import { gunzipSync, gzipSync } from "node:zlib";
import { CodecUnavailableError, type Codecs } from "@ottla/host";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ProtocolError } from "../errors.ts";
import { batches } from "./batches.ts";
import { batchCrcMatches, writeBatchCrc } from "./checksum.ts";
import { decodeBatch, decodeBatchSync } from "./decode.ts";
import { encodeBatch, encodeBatchSync } from "./encode.ts";
import { readBatchHeader } from "./header.ts";
import type { RecordToEncode } from "./record.ts";
import { setBaseOffset, setLeaderEpoch, stampAppendTime } from "./stamps.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Gzip is real; "snappy" and "lz4" keep the bytes as they are, which is enough for the framing around them; zstd is not installed. */
const codecs: Codecs = {
  async compress(codec, data) {
    if (codec === "zstd") throw new CodecUnavailableError("zstd", "zstd-package");
    return codec === "gzip" ? new Uint8Array(gzipSync(data)) : data.slice();
  },
  async decompress(codec, data, maxOutputBytes) {
    if (codec === "zstd") throw new CodecUnavailableError("zstd", "zstd-package");
    const output = codec === "gzip" ? new Uint8Array(gunzipSync(data, { maxOutputLength: maxOutputBytes })) : data;
    if (output.length > maxOutputBytes) throw new Error("too large");
    return output;
  },
};

const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 300 }));
const timestamp = fc.oneof(fc.integer({ min: 0, max: 2_000_000_000_000 }), fc.constantFrom(-1, 0, 2 ** 51, -(2 ** 51), 1_700_000_000_000));
const record: fc.Arbitrary<RecordToEncode> = fc.record(
  {
    key: bytesOrNull,
    value: bytesOrNull,
    headers: fc.array(
      fc.record({ key: fc.constantFrom("", "a", "größe", "trace-id".repeat(10)), value: bytesOrNull }, { noNullPrototype: true }),
      { maxLength: 4 },
    ),
    timestamp,
  },
  { noNullPrototype: true },
);
const records = fc.array(record, { minLength: 1, maxLength: 20 });

const expected = (sent: readonly RecordToEncode[], baseOffset: number): object[] =>
  sent.map(({ key, value, headers, timestamp: at }, i) => ({ offset: baseOffset + i, timestamp: at, key, value, headers: headers ?? [] }));

test("what is encoded is decoded, wherever the log puts it", () => {
  fc.assert(
    fc.property(records, fc.maxSafeNat(), fc.nat(50), (sent, offset, before) => {
      const baseOffset = Math.min(offset, Number.MAX_SAFE_INTEGER - 100);
      const batch = encodeBatchSync(sent);
      setBaseOffset(batch, baseOffset);
      setLeaderEpoch(batch, 7);
      const within = new Uint8Array(before + batch.length + 9);
      within.set(batch, before);
      expect(readBatchHeader(within, before)).toMatchObject({
        baseOffset,
        leaderEpoch: 7,
        lastOffset: baseOffset + sent.length - 1,
        recordCount: sent.length,
        maxTimestamp: Math.max(...sent.map((one) => one.timestamp)),
      });
      deepStrictEqual(decodeBatchSync(within, before), expected(sent, baseOffset));
    }),
  );
});

test("a batch survives compression by every codec that is there", async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.constantFrom("none" as const, "gzip" as const, "snappy" as const, "lz4" as const), async (sent, codec) => {
      const batch = await encodeBatch(sent, { codec, codecs, producerId: 5, producerEpoch: 0, baseSequence: 2 ** 31 - 1 });
      expect(readBatchHeader(batch)).toMatchObject({
        codec,
        producerId: 5,
        lastSequence: sent.length === 1 ? 2 ** 31 - 1 : sent.length - 2,
      });
      deepStrictEqual(await decodeBatch(batch, 0, codecs), expected(sent, 0));
    }),
  );
});

test("decoded keys and values are views into the batch", () => {
  const batch = encodeBatchSync([{ key: text("key"), value: text("value"), timestamp: 1 }]);
  const [decoded] = decodeBatchSync(batch);
  expect(decoded?.key?.buffer).toBe(batch.buffer);
  expect(decoded?.value?.buffer).toBe(batch.buffer);
});

test("any flipped bit from the attributes on is found by the CRC, and so is one in the CRC", () => {
  const batch = encodeBatchSync([{ key: text("key"), value: text("a value of some length"), timestamp: 1 }]);
  for (let bit = 17 * 8; bit < batch.length * 8; bit++) {
    const damaged = batch.slice();
    damaged[bit >> 3] = (batch[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(batchCrcMatches(damaged)).toBe(false);
    expect(() => decodeBatchSync(damaged)).toThrow(ProtocolError);
  }
});

test("append time is given to every record and the CRC holds", () => {
  const batch = encodeBatchSync([
    { key: null, value: text("a"), timestamp: 5 },
    { key: null, value: text("b"), timestamp: 9 },
  ]);
  stampAppendTime(batch, 1_800_000_000_000);
  expect(batchCrcMatches(batch)).toBe(true);
  expect(readBatchHeader(batch)).toMatchObject({ timestampType: "append", maxTimestamp: 1_800_000_000_000, baseTimestamp: 5 });
  expect(decodeBatchSync(batch).map((one) => one.timestamp)).toEqual([1_800_000_000_000, 1_800_000_000_000]);
});

test("batches are taken one after the other, and a cut one is refused", () => {
  const first = encodeBatchSync([{ key: null, value: text("a"), timestamp: 5 }]);
  const second = encodeBatchSync([{ key: null, value: text("bcd"), timestamp: 5 }]);
  setBaseOffset(second, 1);
  const both = new Uint8Array([...first, ...second]);
  expect([...batches(both)].map(({ header, bytes }) => [header.baseOffset, bytes.length])).toEqual([
    [0, first.length],
    [1, second.length],
  ]);
  expect(() => [...batches(both.subarray(0, both.length - 1))]).toThrow(
    `Cannot read the record batch at byte ${first.length}: it has ${second.length} bytes, ${second.length - 1} are left`,
  );
});

test("xerial snappy of several blocks is joined", async () => {
  const sent = [{ key: null, value: new Uint8Array(1000).fill(3), timestamp: 5 }];
  const raw = await encodeBatch(sent, { codec: "snappy", codecs });
  const block = raw.subarray(61);
  const length = (bytes: Uint8Array): Uint8Array => Uint8Array.of(0, 0, bytes.length >> 8, bytes.length & 255);
  const [head, tail] = [block.subarray(0, 400), block.subarray(400)];
  const framed = new Uint8Array([
    ...raw.subarray(0, 61),
    0x82,
    ...text("SNAPPY"),
    0,
    0,
    0,
    0,
    1,
    0,
    0,
    0,
    1,
    ...length(head),
    ...head,
    ...length(tail),
    ...tail,
  ]);
  new DataView(framed.buffer).setInt32(8, framed.length - 12);
  writeBatchCrc(framed);
  deepStrictEqual(await decodeBatch(framed, 0, codecs), expected(sent, 0));
  await expect(decodeBatch(framed, 0, codecs, { maxOutputBytes: 900 })).rejects.toMatchObject({ error: "CORRUPT_MESSAGE" });
});

test("a compressed batch cannot become more than the limit", async () => {
  const batch = await encodeBatch([{ key: null, value: new Uint8Array(1_000_000), timestamp: 5 }], { codec: "gzip", codecs });
  expect(batch.length).toBeLessThan(2000);
  await expect(decodeBatch(batch, 0, codecs, { maxOutputBytes: 999_999 })).rejects.toMatchObject({ error: "CORRUPT_MESSAGE" });
});

test("a codec that is not installed is named with its package", async () => {
  await expect(encodeBatch([{ key: null, value: text("a"), timestamp: 5 }], { codec: "zstd", codecs })).rejects.toMatchObject({
    error: "UNSUPPORTED_COMPRESSION_TYPE",
    message: expect.stringContaining("npm install zstd-package"),
  });
});

test("what cannot be a record is refused at encoding", () => {
  expect(() => encodeBatchSync([])).toThrow("without records");
  expect(() => encodeBatchSync([{ key: null, value: null, timestamp: 1.5 }])).toThrow(
    "Cannot encode record 0: its timestamp 1.5 is no whole number",
  );
  expect(() =>
    encodeBatchSync([
      { key: null, value: null, timestamp: 0 },
      { key: null, value: null, timestamp: 2 ** 53 },
    ]),
  ).toThrow("Cannot encode record 1");
});

test("garbage is refused as such, whatever in a batch it stands for", async () => {
  const codec = fc.constantFrom("none" as const, "gzip" as const, "snappy" as const);
  await fc.assert(
    fc.asyncProperty(
      records,
      codec,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
      fc.nat(40),
      async (sent, chosen, changes, cut) => {
        const batch = (await encodeBatch(sent, { codec: chosen, codecs })).slice(0, -cut || undefined);
        for (const [at, byte] of changes) batch[at % batch.length] = byte;
        if (batch.length >= 61) {
          new DataView(batch.buffer).setInt32(8, batch.length - 12);
          writeBatchCrc(batch);
        }
        await decodeBatch(batch, 0, codecs, { maxOutputBytes: 100_000 }).catch((error: unknown) => {
          if (!(error instanceof ProtocolError)) throw error;
        });
      },
    ),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(batchCrcMatches(bytes)).toBe(false);
      try {
        readBatchHeader(bytes);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }),
  );
});
