import { expect, test } from "vitest";
import { errors } from "./error-table.ts";
import { errorName, ProtocolError } from "./errors.ts";

test("every code has one name and every name its code", () => {
  for (const [name, { code }] of Object.entries(errors)) expect(errorName(code)).toBe(name);
});

test("a code from a later version is an unknown server error", () => {
  expect(errorName(9999)).toBe("UNKNOWN_SERVER_ERROR");
});

test("an error knows its row and keeps its cause", () => {
  const cause = new Error("disk");
  const error = new ProtocolError("NOT_LEADER_OR_FOLLOWER", "Cannot append to orders-3", { cause, notAppended: true });
  expect(error).toMatchObject({ code: 6, retriable: true, notAppended: true, cause, message: "Cannot append to orders-3" });
  expect(new ProtocolError("MESSAGE_TOO_LARGE", "…")).toMatchObject({ code: 10, retriable: false, notAppended: false });
});
