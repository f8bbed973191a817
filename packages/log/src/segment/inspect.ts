import type { DiskFile } from "@ottla/host";
import type { BatchHeader } from "@ottla/protocol";
import type { EpochCache } from "../log/epoch-cache.ts";
import { resync } from "./resync.ts";
import { claimedSize, type Expected, headerCheck, verifyBatch } from "./verify.ts";
import { Window } from "./window.ts";

/** Up to where the log had been made durable, as far as this segment goes. */
export interface Floor {
  readonly offset: number;
  readonly position: number;
  /** {@link headerCheck} of the batch that ends at `offset`; null when it is not known. */
  readonly check: number | null;
}

export interface DamagedBytes {
  readonly from: number;
  /** Exclusive. */
  readonly until: number;
  readonly startPosition: number;
  readonly endPosition: number;
}

export interface InspectOptions {
  readonly file: DiskFile;
  readonly sizeBytes: number;
  readonly from: { readonly offset: number; readonly position: number; readonly lastEpoch: number };
  readonly floor: Floor;
  readonly epochs: EpochCache;
  /** Batches below it must have the epoch that the cache says; beyond it epochs may begin of which only the batches tell. */
  readonly epochsKnownUntil: number;
  onBatch(header: BatchHeader, batch: Uint8Array, position: number): void;
}

export interface Inspection {
  readonly endOffset: number;
  readonly endPosition: number;
  readonly damage: readonly DamagedBytes[];
  /** What follows the last good batch beyond the floor. */
  readonly torn: { readonly bytes: number; readonly reason: string } | null;
}

/** Verifies every batch of a segment from a place on. Below the floor what does not verify is damage: it is stepped over and the rest goes
 * on being verified. At or beyond the floor the first batch that does not verify ends the log. */
export async function inspect(options: InspectOptions): Promise<Inspection> {
  const { floor, sizeBytes } = options;
  const window = new Window(options.file, sizeBytes);
  const damage: DamagedBytes[] = [];
  let { offset, position, lastEpoch } = options.from;
  const damaged = (until: number, endPosition: number): void => {
    damage.push({ from: offset, until, startPosition: position, endPosition });
    offset = until;
    position = endPosition;
  };
  while (position < sizeBytes) {
    const expected: Expected = { offset, epochs: options.epochs, epochsKnownUntil: options.epochsKnownUntil, lastEpoch };
    const batch = await batchAt(window, position);
    const header = typeof batch === "string" ? batch : verifyBelow(batch, expected, floor, position);
    if (typeof batch !== "string" && typeof header !== "string") {
      options.onBatch(header, batch, position);
      position += header.sizeBytes;
      offset = header.lastOffset + 1;
      lastEpoch = header.leaderEpoch;
    } else if (offset >= floor.offset) {
      const reason = typeof header === "string" ? header : "";
      return { endOffset: offset, endPosition: position, damage, torn: { bytes: sizeBytes - position, reason } };
    } else {
      const next = await resync(window, { position, limit: Math.min(sizeBytes, floor.position), expected, untilOffset: floor.offset });
      if (next !== null) damaged(next.offset, next.position);
      else damaged(floor.offset, Math.min(sizeBytes, floor.position));
    }
  }
  if (offset < floor.offset) damaged(floor.offset, position);
  return { endOffset: offset, endPosition: position, damage, torn: null };
}

/** The whole batch at a position, or why there is none. */
export async function batchAt(window: Window, position: number): Promise<Uint8Array | string> {
  const head = window.peek(position, 12) ?? (await window.at(position, 12));
  if (head === null) return "the file ends within its header";
  const size = claimedSize(head);
  if (size === null) return "its length is impossible";
  return window.peek(position, size) ?? (await window.at(position, size)) ?? `the file ends within its ${size} bytes`;
}

function verifyBelow(batch: Uint8Array, expected: Expected, floor: Floor, position: number): BatchHeader | string {
  const header = verifyBatch(batch, expected);
  if (typeof header === "string" || expected.offset >= floor.offset) return header;
  const next = header.lastOffset + 1;
  if (next > floor.offset) return `it ends at offset ${next} and the mark is at offset ${floor.offset}`;
  if (floor.check === null) return header;
  const end = position + header.sizeBytes;
  if ((next === floor.offset) !== (end === floor.position))
    return `it ends at offset ${next}, byte ${end}, and the mark is at offset ${floor.offset}, byte ${floor.position}`;
  if (next === floor.offset && headerCheck(batch) !== floor.check) return "its header is not the one that the mark was made for";
  return header;
}
