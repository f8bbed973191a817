import { expect, test } from "vitest";
import { type InputFormat, parseRecord } from "./input.ts";

const plain: InputFormat = { format: "line", keySeparator: undefined, headers: [], partition: undefined };
const json: InputFormat = { ...plain, format: "json" };
const line = (text: string) => ({ source: "in.txt", number: 3, text });

test("a line is the value; with a separator it is key and value", () => {
  expect(parseRecord(line("a:b:c"), plain)).toEqual({ value: "a:b:c" });
  expect(parseRecord(line("a:b:c"), { ...plain, keySeparator: ":" })).toEqual({ key: "a", value: "b:c" });
});

test("what consume prints as JSON can be produced again, tombstones and headers too", () => {
  const printed = '{"topic":"t","partition":2,"offset":7,"timestamp":99,"key":"k","value":null,"headers":[["h","1"],["h",null]]}';
  expect(parseRecord(line(printed), json)).toEqual({
    key: "k",
    value: null,
    partition: 2,
    timestamp: 99,
    headers: [
      ["h", "1"],
      ["h", null],
    ],
  });
});

test("bytes that consume printed as base64 are bytes again", () => {
  expect(parseRecord(line('{"value":{"base64":"/w=="}}'), json)).toEqual({ value: Buffer.of(0xff) });
});

test("a value that is no text is written as JSON", () => {
  expect(parseRecord(line('{"value":{"id":1}}'), json)).toEqual({ value: '{"id":1}' });
});

test("headers and partition of the command line stand for every record; a record's own partition wins", () => {
  const format = { ...json, headers: [["from", "cli"]] as const, partition: 1 };
  expect(parseRecord(line('{"value":"v","headers":[["own","x"]]}'), format)).toEqual({
    value: "v",
    partition: 1,
    headers: [
      ["from", "cli"],
      ["own", "x"],
    ],
  });
  expect(parseRecord(line('{"value":"v","partition":0}'), format)).toMatchObject({ partition: 0 });
});

test.each([
  ["no-separator", { ...plain, keySeparator: ":" }, 'in.txt, line 3 has no key separator ":"'],
  ["{", json, "in.txt, line 3 is no JSON"],
  ["{}", json, 'in.txt, line 3 has no "value"'],
  ['{"value":"v","vlaue":1}', json, 'unknown field "vlaue"'],
  ['{"value":"v","partition":-1}', json, '"partition" is -1; it takes a whole number from 0 on'],
  ['{"value":"v","headers":[["a"]]}', json, 'header ["a"] is no [name, value]'],
])("%s is refused with the place and the fault", (text, format, message) => {
  expect(() => parseRecord(line(text), format)).toThrow(message);
});
