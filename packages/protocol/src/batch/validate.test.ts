import { expect, test } from "vitest";
import { ProtocolError } from "../errors.ts";
import { writeBatchCrc } from "./checksum.ts";
import { encodeBatchSync } from "./encode.ts";
import { validateBatch } from "./validate.ts";

const limits = { maxBytes: 1000 };

const good = (): Uint8Array =>
  encodeBatchSync(
    [1, 2].map((timestamp) => ({ key: null, value: new Uint8Array(10), timestamp })),
    { producerId: 9, producerEpoch: 0, baseSequence: 0 },
  );

/** A good batch with one thing changed, and the CRC right again. */
function changed(change: (words: DataView) => void): Uint8Array {
  const batch = good();
  change(new DataView(batch.buffer, batch.byteOffset));
  writeBatchCrc(batch);
  return batch;
}

function refusal(batch: Uint8Array): { error: string; message: string; notAppended: boolean } {
  try {
    validateBatch(batch, limits);
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error("the batch was accepted");
}

test("a batch as a producer makes it is accepted", () => {
  expect(validateBatch(good(), limits)).toMatchObject({ recordCount: 2, producerId: 9 });
});

test("what only other clients send is accepted: epochs without a producer, and a leader epoch", () => {
  const batch = changed((words) => {
    words.setInt32(12, 0); // kafkajs, librdkafka and others send 0 instead of -1
    words.setBigInt64(43, -1n);
    words.setInt16(51, 0); // kafkajs: producer epoch and sequence 0, but no producer
    words.setInt32(53, 0);
  });
  expect(validateBatch(batch, limits)).toMatchObject({ producerId: -1, recordCount: 2 });
});

test.each<[string, Uint8Array, string, string]>([
  ["nothing at all", new Uint8Array(0), "INVALID_RECORD", "there is none; send exactly one for each partition"],
  ["a part of a header", good().subarray(0, 60), "CORRUPT_MESSAGE", "60 bytes came, the header alone has 61"],
  ["a batch above the limit", new Uint8Array(1001), "MESSAGE_TOO_LARGE", "it has 1001 bytes and the topic takes 1000"],
  ["an old format", changed((words) => words.setInt8(16, 1)), "INVALID_RECORD", "it has format version 1 and only 2 is accepted"],
  [
    "a short message of an old format",
    good().with(16, 0).subarray(0, 34),
    "INVALID_RECORD",
    "it has format version 0 and only 2 is accepted",
  ],
  ["a cut batch", good().subarray(0, 70), "CORRUPT_MESSAGE", `its length says ${good().length} bytes and 70 came`],
  ["two batches", new Uint8Array([...good(), ...good()]), "INVALID_RECORD", `${good().length} bytes follow it`],
  ["an impossible length", changed((words) => words.setInt32(8, -5)), "CORRUPT_MESSAGE", "its length says 7 bytes"],
  ["a wrong CRC", good().with(70, 99), "CORRUPT_MESSAGE", "its CRC-32C is not that of its bytes"],
  ["a base offset", changed((words) => words.setInt32(4, 3)), "INVALID_RECORD", "its base offset is 3; a producer sends 0"],
  ["no records", changed((words) => words.setInt32(57, 0)), "INVALID_RECORD", "it has no records"],
  [
    "a count that does not fit the offsets",
    changed((words) => words.setInt32(57, 3)),
    "INVALID_RECORD",
    "it has 3 records and last offset delta 1, which must be 2",
  ],
  [
    "a count that does not fit the bytes",
    changed((words) => {
      words.setInt32(57, 2_000_000);
      words.setInt32(23, 1_999_999);
    }),
    "INVALID_RECORD",
    "it says 2000000 records and its",
  ],
  ["a control batch", changed((words) => words.setInt16(21, 0x20)), "INVALID_RECORD", "it is a control batch, which only a broker writes"],
  ["append time", changed((words) => words.setInt16(21, 0x08)), "INVALID_TIMESTAMP", "which only a broker sets"],
  ["a delete horizon", changed((words) => words.setInt16(21, 0x40)), "INVALID_RECORD", "which only compaction sets"],
  [
    "an unknown compression",
    changed((words) => words.setInt16(21, 5)),
    "UNSUPPORTED_COMPRESSION_TYPE",
    "it has compression 5, known are 0 to 4",
  ],
  [
    "a producer without sequence",
    changed((words) => words.setInt32(53, -1)),
    "INVALID_RECORD",
    "it has producer id 9 and base sequence -1",
  ],
  ["a producer without epoch", changed((words) => words.setInt16(51, -1)), "INVALID_RECORD", "it has producer id 9 and producer epoch -1"],
  [
    "a transaction without a producer",
    changed((words) => {
      words.setInt16(21, 0x10);
      words.setBigInt64(43, -1n);
    }),
    "INVALID_RECORD",
    "it is transactional and has no producer id",
  ],
  ["a timestamp beyond 2^53", changed((words) => words.setBigInt64(35, 2n ** 60n)), "INVALID_RECORD", "timestamps 1 and"],
])("%s is refused, and certainly not in the log", (_what, batch, error, message) => {
  expect(refusal(batch)).toMatchObject({ error, message: expect.stringContaining(message), notAppended: true });
});
