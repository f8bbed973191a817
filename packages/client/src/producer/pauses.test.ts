import { memoryHost } from "@ottla/host";
import { uuidFromBytes } from "@ottla/protocol";
import { expect, test } from "vitest";
import { Batch } from "./batch.ts";
import { Lane } from "./lane.ts";
import { Pauses } from "./pauses.ts";

test("a lane that fails again while it is held back stays so, although an acknowledgement came meanwhile", async () => {
  const { clock, random } = memoryHost();
  const over: number[] = [];
  const pauses = new Pauses(clock, random, () => over.push(clock.monotonicMs()));
  const idBytes = new Uint8Array(16);
  const lane = new Lane({ name: "t", id: uuidFromBytes(idBytes), idBytes, partitions: [] }, 0, true);
  pauses.add(lane);
  const until = lane.retryAtMs;
  lane.acknowledged(new Batch(0));
  pauses.add(lane);
  expect(lane.retryAtMs).toBe(until);
  await clock.advance(1_000);
  expect(over).toEqual([until]);
  expect(lane.retryAtMs).toBeLessThan(0);
});
