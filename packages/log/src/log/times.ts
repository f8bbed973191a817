import { batches, type BatchHeader } from "@ottla/protocol";
import type { Segment } from "../segment/segment.ts";
import type { LogCore } from "./core.ts";
import { indexOf } from "./indexing.ts";
import type { Reader } from "./reader.ts";

export interface FoundBatch {
  readonly batch: Uint8Array;
  readonly header: BatchHeader;
}

const STEP_BYTES = 256 << 10;

/** The first batch below `until` whose largest timestamp is at or after `timestamp`. */
export async function firstAtOrAfter(core: LogCore, reader: Reader, timestamp: number, until: number): Promise<FoundBatch | null> {
  for (const segment of [...core.segments]) {
    if (segment.base >= until) return null;
    if (segment.endOffset <= core.startOffset || segment.maxTimestamp < timestamp) continue;
    const index = await indexOf(core, segment);
    const from = segment.base + (index.floorByTimestamp(timestamp)?.relativeOffset ?? 0);
    for await (const found of walk(core, reader, segment, from, until)) {
      if (found.header.maxTimestamp >= timestamp) return found;
    }
  }
  return null;
}

/** The first batch below `until` that holds the largest timestamp of all below `until`. */
export async function withMaxTimestamp(core: LogCore, reader: Reader, until: number): Promise<FoundBatch | null> {
  let largest = -1;
  for (const segment of [...core.segments]) {
    if (segment.base >= until) break;
    if (segment.endOffset <= core.startOffset) continue;
    const whole = segment.endOffset <= until && segment.base >= core.startOffset;
    largest = Math.max(largest, whole ? segment.maxTimestamp : await maxWithin(core, reader, segment, until));
  }
  return firstAtOrAfter(core, reader, largest, until);
}

async function maxWithin(core: LogCore, reader: Reader, segment: Segment, until: number): Promise<number> {
  const entry = segment.base >= core.startOffset ? (await indexOf(core, segment)).floor(until - segment.base) : null;
  let largest = entry?.timestampBefore ?? -1;
  for await (const { header } of walk(core, reader, segment, segment.base + (entry?.relativeOffset ?? 0), until)) {
    largest = Math.max(largest, header.maxTimestamp);
  }
  return largest;
}

async function* walk(core: LogCore, reader: Reader, segment: Segment, from: number, until: number): AsyncGenerator<FoundBatch> {
  const end = Math.min(until, segment.endOffset);
  for (let offset = Math.max(from, core.startOffset); offset < end;) {
    const { parts, nextOffset } = await reader.read({ from: offset, until: end, maxBytes: STEP_BYTES });
    if (nextOffset === offset) return;
    for (const part of parts) for (const { header, bytes } of batches(part)) yield { batch: bytes, header };
    offset = nextOffset;
  }
}
