import type { PartitionDescription } from "@ottla/client";
import { expect, test } from "vitest";
import { isAway, moving, troubleOf } from "./partition-trouble.ts";

const healthy: PartitionDescription = {
  partition: 0,
  leader: 1,
  leaderEpoch: 3,
  replicas: [1, 2, 3],
  inSyncReplicas: [1, 2, 3],
  offlineReplicas: [],
  eligibleReplicas: [],
  adding: [],
  removing: [],
  minInSync: 2,
};

test("the worst of a partition's troubles is named", () => {
  expect(troubleOf(healthy)).toBeNull();
  expect(troubleOf({ ...healthy, inSyncReplicas: [1, 2] })).toBe("under-replicated");
  expect(troubleOf({ ...healthy, inSyncReplicas: [1] })).toBe("below-min-isr");
  expect(troubleOf({ ...healthy, inSyncReplicas: [1], leader: -1 })).toBe("offline");
});

test("a replica that is being added is not missed yet", () => {
  expect(troubleOf({ ...healthy, replicas: [1, 2, 3, 4], adding: [4] })).toBeNull();
});

test("a move to a broker that is not live is named as stuck", () => {
  const move = { ...healthy, replicas: [1, 2, 4, 3], adding: [4], removing: [3] };
  expect(moving(move)).toBe("adding 4, removing 3");
  expect(moving({ ...move, offlineReplicas: [4] })).toBe("adding 4 (stuck: 4 not live), removing 3");
});

test("a leadership is away only while the preferred replica could take it", () => {
  expect(isAway(healthy)).toBe(false);
  expect(isAway({ ...healthy, leader: 2 })).toBe(true);
  expect(isAway({ ...healthy, leader: 2, inSyncReplicas: [2, 3] })).toBe(false);
});
