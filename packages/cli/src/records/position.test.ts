import { expect, test } from "vitest";
import { parsePosition } from "./position.ts";

test.each([
  ["beginning", { kind: "beginning" }],
  ["42", { kind: "offset", offset: 42 }],
  ["-10", { kind: "last", count: 10 }],
  ["@986083200000", { kind: "time", timestamp: 986083200000 }],
  ["2001-04-01", { kind: "time", timestamp: 986083200000 }],
])("%s is understood", (text, position) => {
  expect(parsePosition("--from", text)).toEqual(position);
});

test.each(["", "yesterday", "12x", "2001-13-01"])("%j is refused with the forms there are", (text) => {
  expect(() => parsePosition("--from", text)).toThrow(`--from is "${text}"; it takes beginning, end`);
});
