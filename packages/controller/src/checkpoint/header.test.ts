import { expect, test } from "vitest";
import { decodeHeader, encodeHeader, OtherFormatError } from "./header.ts";

const header = { appliedIndex: 2 ** 40 + 7, appliedTerm: 2 ** 33, installed: true, digest: new Uint8Array(32).fill(9) };

test("a header says what it was given", () => {
  expect(decodeHeader(encodeHeader(header))).toEqual(header);
});

test("a header of another format version is refused as such and says what to do, one of another length is damage", () => {
  const other = encodeHeader(header);
  other[0] = 3;
  expect(() => decodeHeader(other)).toThrow(OtherFormatError);
  expect(() => decodeHeader(other)).toThrow("it has format version 3, this version of Ottla reads version 2; start a newer version");
  other[0] = 1;
  expect(() => decodeHeader(other.subarray(0, 41))).toThrow(OtherFormatError);
  expect(() => decodeHeader(other.subarray(0, 41))).toThrow("of a build before the first release");
  expect(() => decodeHeader(encodeHeader(header).subarray(0, 20))).toThrow("20 bytes instead of 50");
});
