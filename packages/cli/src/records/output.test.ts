import { expect, test } from "vitest";
import { recordFormat } from "./output.ts";

const record = {
  topic: "t",
  partition: 1,
  offset: 2,
  timestamp: 3,
  key: Buffer.from("k"),
  value: Buffer.from("v$&"),
  headers: [
    { key: "h", value: null },
    { key: "h", value: Buffer.from("x") },
  ],
  leaderEpoch: 0,
};

test("a pattern fills its placeholders and leaves the rest alone", () => {
  expect(recordFormat("%t/%p@%o %T %k=%v %h 100%%\\n")(record)).toBe("t/1@2 3 k=v$& h=,h=x 100%\n");
});

test("JSON keeps null apart from empty, and bytes that are no text as base64", () => {
  const format = recordFormat("json");
  expect(JSON.parse(format({ ...record, key: null, value: new Uint8Array(0), headers: [] }))).toEqual({
    topic: "t",
    partition: 1,
    offset: 2,
    timestamp: 3,
    key: null,
    value: "",
  });
  expect(JSON.parse(format({ ...record, value: Uint8Array.of(0xff) }))).toMatchObject({ value: { base64: "/w==" } });
});
