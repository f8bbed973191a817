import { expect, test } from "vitest";
import { decodeHeader, encodeHeader, NewerFormatError } from "./header.ts";

const header = { appliedIndex: 2 ** 40 + 7, appliedTerm: 2 ** 33, installed: true, digest: new Uint8Array(32).fill(9) };

test("a header says what it was given", () => {
  expect(decodeHeader(encodeHeader(header))).toEqual(header);
});

test("a header of a newer format is refused as such, one of another length as damage", () => {
  const newer = encodeHeader(header);
  newer[0] = 2;
  expect(() => decodeHeader(newer)).toThrow(NewerFormatError);
  expect(() => decodeHeader(newer)).toThrow("it has format version 2, this version of Ottla reads up to 1");
  expect(() => decodeHeader(encodeHeader(header).subarray(0, 20))).toThrow("20 bytes instead of 50");
});
