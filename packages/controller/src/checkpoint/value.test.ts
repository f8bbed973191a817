import fc from "fast-check";
import { expect, test } from "vitest";
import { openValue, sealValue } from "./value.ts";

const key = fc.uint8Array({ minLength: 1, maxLength: 20 });
const content = fc.uint8Array({ maxLength: 60 });

test("a sealed value opens under its key", () => {
  fc.assert(
    fc.property(key, content, (k, c) => {
      expect([...openValue(k, sealValue(k, c))]).toEqual([...c]);
    }),
  );
});

test("a value with any flipped bit, cut anywhere, or of another key does not open", () => {
  fc.assert(
    fc.property(key, content, fc.nat(), (k, c, at) => {
      const sealed = sealValue(k, c);
      const flipped = sealed.slice();
      const bit = at % (8 * sealed.length);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => openValue(k, flipped)).toThrow("is damaged");
      expect(() => openValue(k, sealed.subarray(0, at % sealed.length))).toThrow("is damaged");
      const other = k.slice();
      other[0] = (other[0] ?? 0) ^ 1;
      expect(() => openValue(other, sealed)).toThrow("it belongs to another key");
    }),
  );
});
