import { expect, test } from "vitest";
import { UsageError } from "../exit-codes.ts";
import { bytesPerSecond } from "./rate.ts";

test.each([
  ["1000", 1000],
  ["20MiB", 20 * 1024 * 1024],
  ["500kB", 500_000],
  ["1.5G", 1.5 * 1024 ** 3],
  ["10 MB/s", 10_000_000],
])("a rate of %s is %d bytes a second", (text, bytes) => {
  expect(bytesPerSecond("--rate", text)).toBe(bytes);
});

test.each(["0", "-1", "fast", "10 parsecs", ""])("a rate of %j is refused with what it takes", (text) => {
  expect(() => bytesPerSecond("--rate", text)).toThrow(
    new UsageError(`--rate is "${text}"; it takes bytes per second from 1 on, such as 20MiB or 500kB`),
  );
});
