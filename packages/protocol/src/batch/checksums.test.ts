import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32c, loadNativeCrc32c, tableCrc32c } from "./crc32c.ts";
import { murmur2 } from "./murmur2.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

// RFC 3720 B.4 and the check value of the CRC catalogue.
test.each([
  [text("123456789"), 0xe3069283],
  [new Uint8Array(32), 0x8a9136aa],
  [new Uint8Array(32).fill(0xff), 0x62a8ab43],
  [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  [new Uint8Array(0), 0],
])("CRC-32C has the published values", (bytes, crc) => {
  expect(crc32c(bytes)).toBe(crc);
  expect(tableCrc32c(bytes)).toBe(crc);
});

test("the addon and the table agree on any bytes at any place in a buffer", () => {
  const native = loadNativeCrc32c();
  expect(native).toBeDefined();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(2000), (bytes, from) => {
      const part = bytes.subarray(Math.min(from, bytes.length));
      return native?.(part) === tableCrc32c(part) && crc32c(part) === tableCrc32c(part);
    }),
  );
});

// As Apache Kafka's own tests have them, so that a key goes to the same partition whichever client sends it.
test.each([
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
])("murmur2 of %s is Kafka's", (key, hash) => {
  expect(murmur2(text(key))).toBe(hash);
});
