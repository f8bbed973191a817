import type { ReadResult } from "@ottla/log";
import { assert } from "@ottla/protocol";
import type { BrokerParts } from "./context.ts";
import type { FetchedPartition, FetchPartition } from "./fetch.ts";
import { asProtocolError, leaderHint, tellsLeader } from "./find-partition.ts";
import type { Looked } from "./look.ts";

const NOTHING: readonly Uint8Array[] = [];

/** Reads one partition after the other, beginning at the one of number `first`, until together they have `maxBytes`. */
export async function readLooked(
  parts: BrokerParts,
  partitions: readonly FetchPartition[],
  looked: readonly Looked[],
  maxBytes: number,
  first: number,
): Promise<{ fetched: FetchedPartition[]; bytes: number }> {
  const fetched = new Array<FetchedPartition>(looked.length);
  let bytes = 0;
  for (let n = 0; n < looked.length; n++) {
    const i = (first + n) % looked.length;
    const wanted = partitions[i];
    const at = looked[i];
    assert(wanted !== undefined && at !== undefined, `partition ${i} of ${looked.length}`);
    const limit = Math.min(wanted.maxBytes, maxBytes - bytes);
    const one = readOne(parts, wanted, at, limit, bytes === 0);
    // What is in memory costs no turn of the loop.
    const done = one instanceof Promise ? await one : one;
    fetched[i] = done;
    bytes += done.bytes;
  }
  return { fetched, bytes };
}

function readOne(
  parts: BrokerParts,
  wanted: FetchPartition,
  at: Looked,
  limit: number,
  nothingYet: boolean,
): FetchedPartition | Promise<FetchedPartition> {
  const { partition, end } = at;
  if (at.error !== null || partition === null) return failed(parts, wanted, at.error);
  if (at.diverging !== null || wanted.fetchOffset >= end || (limit <= 0 && !nothingYet)) return answered(at, null);
  const options = { from: wanted.fetchOffset, until: end, maxBytes: Math.max(1, limit) };
  const recent = partition.log.recent(options);
  if (recent !== null) return answered(at, fitting(recent, limit, nothingYet));
  return partition.read(options.from, options.until, options.maxBytes).then(
    (stored) => answered(at, fitting(stored, limit, nothingYet)),
    (error: unknown) => failed(parts, wanted, asProtocolError(error)),
  );
}

/** A log gives at least one batch. Only the first partition with records may exceed the limit by it, so that everybody gets on. */
function fitting(read: ReadResult, limit: number, nothingYet: boolean): ReadResult | null {
  return read.bytes > limit && !nothingYet ? null : read;
}

function answered({ partition, epoch, highWatermark, lastStableOffset, diverging }: Looked, read: ReadResult | null): FetchedPartition {
  return {
    error: null,
    leader: undefined,
    highWatermark,
    lastStableOffset,
    logStartOffset: partition?.log.startOffset ?? -1,
    leaderEpoch: epoch,
    diverging,
    records: read?.parts ?? NOTHING,
    bytes: read?.bytes ?? 0,
  };
}

function failed(parts: BrokerParts, { topicId, partition }: FetchPartition, error: Looked["error"]): FetchedPartition {
  return {
    error,
    leader: error !== null && tellsLeader(error) ? leaderHint(parts, topicId, partition) : undefined,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    leaderEpoch: -1,
    diverging: null,
    records: NOTHING,
    bytes: 0,
  };
}
