import { expect, test } from "vitest";
import { adviceFor, duplicateAdvice } from "./check-advice.ts";

const told = { nodeId: 2, address: "localhost:9193", fenced: false, doors: [] };

test("an address of this machine that a remote client is told is named as such", () => {
  expect(adviceFor(told, "kafka.example:9093")).toBe(
    "set grpc.advertised.listeners of node 2 to a name that clients can resolve: localhost:9193 is each client's own machine",
  );
  expect(adviceFor(told, "localhost:9093")).toContain("check that node 2 listens there (grpc.listeners)");
});

test("two brokers behind one address are named", () => {
  const all = [told, { ...told, nodeId: 3 }];
  expect(duplicateAdvice(told, all)?.problem).toBe("broker 3 has registered the same address");
  expect(duplicateAdvice(told, [told])).toBeNull();
});
