import { expect, test } from "vitest";
import { Liveness } from "./liveness.ts";

const silent = (liveness: Liveness<string>, nowMs: number): number[] => liveness.tick(nowMs).map(({ nodeId }) => nodeId);

test("a broker is silent once its session time passed since its last message", () => {
  const liveness = new Liveness<string>(1000, 100, 0);
  liveness.heard(1, 5, "s1", 0);
  liveness.heard(2, 6, "s2", 0);
  for (let nowMs = 100; nowMs < 1000; nowMs += 100) {
    liveness.heard(2, 6, "s2", nowMs);
    expect(silent(liveness, nowMs)).toEqual([]);
  }
  expect(silent(liveness, 1000)).toEqual([1]);
  expect(silent(liveness, 1100)).toEqual([]);
});

test("a broker whose session ended has the rest of its time to come back", () => {
  const liveness = new Liveness<string>(1000, 100, 0);
  liveness.heard(1, 5, "s1", 0);
  expect(liveness.closed("s1")).toEqual({ nodeId: 1, brokerEpoch: 5 });
  expect(liveness.closed("s1")).toBeNull();
  for (let nowMs = 100; nowMs < 900; nowMs += 100) silent(liveness, nowMs);
  liveness.heard(1, 5, "s2", 850);
  expect(silent(liveness, 1000)).toEqual([]);
});

test("a tick that comes late extends every session by as much, once", () => {
  const liveness = new Liveness<string>(1000, 100, 0);
  liveness.heard(1, 5, "s1", 0);
  for (let nowMs = 100; nowMs <= 500; nowMs += 100) expect(silent(liveness, nowMs)).toEqual([]);
  expect(silent(liveness, 5600)).toEqual([]);
  for (let nowMs = 5700; nowMs < 6000; nowMs += 100) expect(silent(liveness, nowMs)).toEqual([]);
  expect(silent(liveness, 6000)).toEqual([1]);
});

test("after an election a registered broker is expected within the time given, unless it is here already", () => {
  const liveness = new Liveness<string>(2000, 100, 0);
  liveness.heard(1, 5, "s1", 0);
  liveness.expect(1, 5, 1000, 0);
  liveness.expect(2, 6, 1000, 0);
  for (let nowMs = 100; nowMs < 1000; nowMs += 100) expect(silent(liveness, nowMs)).toEqual([]);
  expect(silent(liveness, 1000)).toEqual([2]);
});

test("the time in which another controller led is not charged to the brokers as a late tick", () => {
  const liveness = new Liveness<string>(2000, 100, 0);
  liveness.begin(60_000);
  liveness.expect(1, 5, 1000, 60_000);
  for (let nowMs = 60_100; nowMs < 61_000; nowMs += 100) expect(silent(liveness, nowMs)).toEqual([]);
  expect(silent(liveness, 61_000)).toEqual([1]);
});
