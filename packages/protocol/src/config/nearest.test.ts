import fc from "fast-check";
import { expect, test } from "vitest";
import { editDistance, nearestName } from "./nearest.ts";

test("one slip costs one: a letter too many, too few, another, or two swapped", () => {
  expect(["retentoin", "retenton", "retentiion", "retentiom"].map((slip) => editDistance(slip, "retention"))).toEqual([1, 1, 1, 1]);
});

test("the distance is a symmetric measure that is zero only between equals", () => {
  const word = fc.string({ maxLength: 12, unit: fc.constantFrom("a", "b", ".") });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance === 0).toBe(a === b);
      expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});

test("dashes, underscores and capitals are no difference, and a stranger has no nearest name", () => {
  expect(nearestName("Data_Dir", ["data.dir", "node.id"])).toBe("data.dir");
  expect(nearestName("something.else.entirely", ["data.dir", "node.id"])).toBeNull();
});
