import fc from "fast-check";
import { expect, test } from "vitest";
import { uuidFromBytes, uuidFromText, uuidToBytes, uuidToText } from "./ids.ts";

test("an id is the same as bytes, as digits and as text", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const uuid = uuidFromBytes(bytes);
      expect(uuid).toBe(Buffer.from(bytes).toString("hex"));
      expect(uuidToBytes(uuid)).toEqual(bytes);
      expect(uuidToText(uuid)).toHaveLength(22);
      expect(uuidFromText(uuidToText(uuid))).toBe(uuid);
    }),
  );
});

test("what is no id is refused with an example", () => {
  expect(() => uuidFromBytes(new Uint8Array(15))).toThrow("Cannot read an id from 15 bytes: an id has 16");
  for (const text of ["", "short", "AAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAB", "A".repeat(23)])
    expect(() => uuidFromText(text)).toThrow("an id is 22 characters of base64url");
});
