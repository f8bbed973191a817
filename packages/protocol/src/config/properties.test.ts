import fc from "fast-check";
import { expect, test } from "vitest";
import { parseProperties } from "./properties.ts";

const pairs = (text: string) => parseProperties(text).map(({ name, value }) => [name, value]);

test.each([
  ["a=1", [["a", "1"]]],
  ["a = 1 ", [["a", "1 "]]],
  [
    "a:1\nb 2\nc\t=\t3",
    [
      ["a", "1"],
      ["b", "2"],
      ["c", "3"],
    ],
  ],
  ["a", [["a", ""]]],
  ["a==b=c", [["a", "=b=c"]]],
  ["# x\n ! y\n\n  \t\na=1", [["a", "1"]]],
  ["a=1 # not a comment", [["a", "1 # not a comment"]]],
  ["list=x,\\\n   y,\\\r\n\tz", [["list", "x,y,z"]]],
  [
    "a=ends\\\\\nb=2",
    [
      ["a", "ends\\"],
      ["b", "2"],
    ],
  ],
  ["a=1\\", [["a", "1"]]],
  ["a\\=b\\:c\\ d=1", [["a=b:c d", "1"]]],
  ["a=\\t\\n\\r\\f\\u00e9\\q", [["a", "\t\n\r\f\u00e9q"]]],
  [
    "\uFEFFa=1\rb=2",
    [
      ["a", "1"],
      ["b", "2"],
    ],
  ],
  ["a=\\\n# no comment here", [["a", "# no comment here"]]],
])("%j is read as java.util.Properties reads it", (text, expected) => {
  expect(pairs(text)).toEqual(expected);
});

test("a property stands on the line where it begins", () => {
  expect(parseProperties("# x\na=1,\\\n2\r\nb=3").map(({ name, line }) => [name, line])).toEqual([
    ["a", 2],
    ["b", 4],
  ]);
});

test("a broken unicode escape is named", () => {
  expect(parseProperties("data.dir=C:\\users\\me")[0]?.problem).toContain("\\u takes four hexadecimal digits");
  expect(parseProperties("data.dir=C:\\\\users")[0]).toEqual({ name: "data.dir", value: "C:\\users", line: 1 });
});

test("whatever is escaped comes back as it was", () => {
  const escape = (text: string) =>
    text.replace(/[\\=: \t\f\n\r#!]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ minLength: 1, unit: "binary" }), fc.string({ unit: "binary" }))), (entries) => {
      const usable = entries.filter(([name]) => !name.startsWith("\uFEFF"));
      expect(pairs(usable.map(([name, value]) => `${escape(name)}=${escape(value)}`).join("\n"))).toEqual(usable);
    }),
  );
});
