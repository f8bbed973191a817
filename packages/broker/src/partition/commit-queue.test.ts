import { expect, test } from "vitest";
import { CommitQueue } from "./commit-queue.ts";

test("a log that grows for hours above a high watermark that stands still costs little memory, and no byte is counted twice or not at all", () => {
  const queue = new CommitQueue();
  const settled: number[] = [];
  const batches = 200_000;
  for (let end = 1; end <= batches; end++) {
    const waiter = end % 50_000 === 0 ? { timer: null, settle: () => void settled.push(end) } : null;
    queue.push(end, 100, waiter);
  }
  expect(queue.length).toBeLessThan(5000);
  expect(queue.settleBelow(1000, null)).toBe(100_000);
  let bytes = 100_000;
  for (let end = 1000; end <= batches; end += 7) bytes += queue.settleBelow(end, null);
  expect(settled).toEqual([50_000, 100_000, 150_000]);
  bytes += queue.settleBelow(batches, null);
  expect([bytes, settled, queue.length]).toEqual([batches * 100, [50_000, 100_000, 150_000, 200_000], 0]);
});
