import { expect, test } from "vitest";
import { Decisions } from "../decisions.test.kit.ts";
import { fence } from "./brokers.ts";

/** What one message between nodes carries at most, and with it one entry. */
const MESSAGE_BYTES = 64 << 20;
const PARTITIONS = 80_000;

test("a broker with 80 000 partitions is fenced, and another one stops, in one entry each; a million would still fit", () => {
  const decisions = new Decisions();
  for (const nodeId of [1, 2, 3]) decisions.broker(nodeId, nodeId);
  for (let at = 0; at < PARTITIONS / 1000; at++) decisions.create({ name: `t${at}`, partitions: 1000, replicationFactor: 3 });
  const { brokerEpoch = 0 } = decisions.state.brokers.get(1) ?? {};
  const fenced = decisions.entry((draft) => void fence(draft, decisions.around, 1, brokerEpoch, "gone"));
  expect(decisions.command(2, { case: "shutdown", value: {} }).errorMessage).toBe("");
  const stopped = decisions.entries.at(-1);
  for (const entry of [fenced, stopped]) {
    expect(entry?.records.length).toBeGreaterThan(PARTITIONS);
    expect(((entry?.encode().length ?? 0) / PARTITIONS) * 1e6).toBeLessThan(MESSAGE_BYTES);
  }
});
