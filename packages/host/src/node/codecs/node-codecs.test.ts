import fc from "fast-check";
import { expect, test } from "vitest";
import type { CodecName } from "../../codecs.ts";
import { codecsContract } from "../../contract/codecs-contract.ts";
import { checkLz4 } from "./lz4-size.ts";
import { nodeCodecs } from "./node-codecs.ts";
import { checkZstd } from "./zstd-size.ts";

const codecs = nodeCodecs();
codecsContract("thread pool", codecs);

const names: CodecName[] = ["gzip", "snappy", "lz4", "zstd"];
/** Runs of equal bytes and noise, so that blocks of all kinds appear. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.record({ byte: fc.nat(255), length: fc.nat(70_000) }).map(({ byte, length }) => new Uint8Array(length).fill(byte)),
    ),
    { maxLength: 6 },
  )
  .map((pieces) => new Uint8Array(Buffer.concat(pieces)));

test.each(names)("damaged %s data never expands beyond the limit", async (codec) => {
  const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(content, damage, fc.nat(100_000), async (data, changes, limit) => {
      const compressed = Uint8Array.from(await codecs.compress(codec, data));
      for (const { at, byte } of changes) if (compressed.byteLength > 0) compressed[at % compressed.byteLength] = byte;
      try {
        expect((await codecs.decompress(codec, compressed, limit)).byteLength).toBeLessThanOrEqual(limit);
      } catch (error) {
        expect(String(error)).toContain(`Cannot decompress ${codec} data`);
      }
    }),
    { numRuns: 100 },
  );
});

test("lz4 data is measured exactly before it is expanded, and zstd data from above", async () => {
  await fc.assert(
    fc.asyncProperty(content, async (data) => {
      const size = data.byteLength;
      const lz4 = await codecs.compress("lz4", data);
      checkLz4(lz4, size);
      if (size > 0) expect(() => checkLz4(lz4, size - 1)).toThrow(`${size - 1} are allowed`);
      const zstd = await codecs.compress("zstd", data);
      expect(checkZstd(zstd, size)).toBeGreaterThanOrEqual(size);
    }),
    { numRuns: 100 },
  );
});

test("whatever bytes come, measuring them ends with an answer or an explanation", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom([0x04, 0x22, 0x4d, 0x18], [0x28, 0xb5, 0x2f, 0xfd], [0x50, 0x2a, 0x4d, 0x18], []),
      (bytes, magic) => {
        for (const check of [checkLz4, checkZstd]) {
          try {
            check(new Uint8Array([...magic, ...bytes]), 1000);
          } catch (error) {
            expect(String(error)).toContain("Cannot decompress");
          }
        }
      },
    ),
    { numRuns: 2000 },
  );
});
