import { expect, test } from "vitest";
import { ReplicaLog, type WrittenBatch } from "../disk/replica-log.ts";
import { Appends } from "./appends.ts";
import { Decisions } from "./decisions.ts";
import type { ReplicaInspection } from "./inspection.ts";
import { Ledger } from "./ledger.ts";

const LOG = `${"0".repeat(32)}-0`;

function batch(baseOffset: number, leaderEpoch: number, crc: number): WrittenBatch {
  return {
    ...{ path: "/log", position: baseOffset, sizeBytes: 1, baseOffset, lastOffset: baseOffset, leaderEpoch, crc },
    ...{ producerId: -1, producerEpoch: -1, baseSequence: -1, lastSequence: -1, durable: false },
  };
}

/** Two nodes whose replicas take every batch for one of `believed`. */
function watched(believed: number) {
  const logs = new Map([1, 2].map((nodeId) => [nodeId, new ReplicaLog()]));
  const replica: ReplicaInspection = {
    ...{
      log: LOG,
      role: "follower",
      leaderEpoch: 9,
      highWatermark: 0,
      startOffset: 0,
      isr: [],
      maximalIsr: [],
      minInSync: 1,
      endOffset: 99,
    },
    epochAt: () => believed,
    epochStart: () => null,
  };
  const nodes = [1, 2].map((nodeId) => ({
    ...{ nodeId, running: true, lives: 1, brokerEpoch: 1, imageIndex: null, quorum: null, replicas: [replica] },
    takeNews: () => false,
  }));
  const observed = { nodes, relaxed: false, logOf: (nodeId: number) => logs.get(nodeId), damaged: () => false };
  const appends = new Appends(new Ledger(observed, new Decisions(() => {})));
  return {
    appends,
    write(nodeId: number, written: WrittenBatch) {
      logs.get(nodeId)?.batches.push(written);
      appends.wrote(nodeId, LOG, [written]);
    },
    cut(nodeId: number) {
      appends.cut(LOG, logs.get(nodeId)?.batches.splice(-1) ?? []);
    },
  };
}

test("a replica that writes something else at an offset of the same epoch is found (P14)", () => {
  const { write } = watched(3);
  write(1, batch(0, 3, 111));
  expect(() => write(2, batch(0, 3, 222))).toThrow("P14");
});

test("an offset is free again after a failed write, unless another replica has got it (P14)", () => {
  const { write, cut } = watched(3);
  write(1, batch(0, 3, 111));
  cut(1);
  write(1, batch(0, 3, 222));
  write(2, batch(0, 3, 222));
  cut(1);
  expect(() => write(1, batch(0, 3, 333))).toThrow("P14");
});

test("a batch of an older epoch behind a newer one is found (P1)", () => {
  const { write } = watched(3);
  write(1, batch(0, 3, 111));
  expect(() => write(1, batch(1, 2, 112))).toThrow("P1");
});

test("a replica that takes a batch for one of another epoch is found (P12)", () => {
  const { write, appends } = watched(4);
  write(1, batch(0, 3, 111));
  expect(() => appends.check()).toThrow("P12");
});
