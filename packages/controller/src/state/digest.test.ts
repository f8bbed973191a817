import fc from "fast-check";
import { expect, test } from "vitest";
import { Digest, digestText } from "./digest.ts";

const bytes = fc.uint8Array({ minLength: 1, maxLength: 80 });

function digestOf(values: readonly Uint8Array[]): string {
  const digest = new Digest();
  for (const value of values) digest.add(value);
  return digestText(digest.bytes());
}

test("the digest is that of the content, whatever came and went in between", () => {
  fc.assert(
    fc.property(fc.array(bytes), fc.array(bytes), (kept, gone) => {
      const digest = new Digest();
      for (const value of gone) digest.add(value);
      for (const value of kept.toReversed()) digest.add(value);
      for (const value of gone) digest.subtract(value);
      expect(digestText(digest.bytes())).toBe(digestOf(kept));
    }),
  );
});

test("a flipped bit changes every lane", () => {
  fc.assert(
    fc.property(bytes, fc.nat(), (value, at) => {
      const flipped = value.slice();
      const bit = at % (8 * value.length);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const [before, after] = [digestOf([value]), digestOf([flipped])];
      const sameLanes = Array.from(
        { length: 8 },
        (_, lane) => before.slice(8 * lane, 8 * lane + 8) === after.slice(8 * lane, 8 * lane + 8),
      ).filter(Boolean);
      expect(sameLanes).toEqual([]);
    }),
  );
});

test("two values that swap their keys have another digest", () => {
  const text = new TextEncoder();
  const of = (...values: string[]): string => digestOf(values.map((value) => text.encode(value)));
  expect(of("a=1", "b=2")).not.toBe(of("a=2", "b=1"));
});

test("trailing zeros count", () => {
  expect(digestOf([new Uint8Array(3)])).not.toBe(digestOf([new Uint8Array(4)]));
});
