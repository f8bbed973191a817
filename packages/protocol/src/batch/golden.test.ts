import { expect, test } from "vitest";
import { decodeBatchSync } from "./decode.ts";
import { encodeBatchSync } from "./encode.ts";
import { readBatchHeader } from "./header.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ""), "hex"));

// Written by hand from the format. The CRC-32C is of the bytes from the attributes on.
const twoRecords = fromHex(`
  0000000000000000  0000004d  ffffffff  02  9ff20a13
  0000  00000001  0000018bcfe56800  0000018bcfe56803
  00000000000003e9  0005  00000007  00000002
  20  00  00  00  02 6b  04 7631  04  02 61  02 31  02 61  01
  14  00  06  02  01  08 74657374  00
`);

test("a batch has exactly the bytes of the format", () => {
  const batch = encodeBatchSync(
    [
      {
        key: text("k"),
        value: text("v1"),
        headers: [
          { key: "a", value: text("1") },
          { key: "a", value: null },
        ],
        timestamp: 1_700_000_000_000,
      },
      { key: null, value: text("test"), timestamp: 1_700_000_000_003 },
    ],
    { producerId: 1001, producerEpoch: 5, baseSequence: 7 },
  );
  expect(Buffer.from(batch).toString("hex")).toBe(Buffer.from(twoRecords).toString("hex"));
});

test("a written batch is read as what it says", () => {
  expect(readBatchHeader(twoRecords)).toMatchObject({
    producerId: 1001,
    producerEpoch: 5,
    baseSequence: 7,
    lastSequence: 8,
    recordCount: 2,
    sizeBytes: twoRecords.length,
    codec: "none",
  });
  expect(decodeBatchSync(twoRecords)).toEqual([
    {
      offset: 0,
      timestamp: 1_700_000_000_000,
      key: text("k"),
      value: text("v1"),
      headers: [
        { key: "a", value: text("1") },
        { key: "a", value: null },
      ],
    },
    { offset: 1, timestamp: 1_700_000_000_003, key: null, value: text("test"), headers: [] },
  ]);
});
