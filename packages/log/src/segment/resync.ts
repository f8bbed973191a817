import { BATCH_HEADER_BYTES } from "@ottla/protocol";
import { claimedSize, type Expected, verifyBatch } from "./verify.ts";
import type { Window } from "./window.ts";

const MAGIC_AT = 16;
const STEP_BYTES = 1 << 16;

export interface ResyncOptions {
  /** Of the batch that does not verify. */
  readonly position: number;
  /** Bytes from here on are not looked at. */
  readonly limit: number;
  readonly expected: Expected;
  /** Batches that reach beyond it do not count. */
  readonly untilOffset: number;
}

/** The next place at which a batch verifies that may follow the damaged one: where the damaged one claims to end, else the first byte from
 * which a whole batch with a fitting offset, epoch and CRC can be read. Null when there is none before the limit. */
export async function resync(window: Window, options: ResyncOptions): Promise<{ offset: number; position: number } | null> {
  const head = await window.at(options.position, 12);
  const claimed = head === null ? null : claimedSize(head);
  if (claimed !== null) {
    const next = await candidate(window, options.position + claimed, options);
    if (next !== null) return next;
  }
  for (let start = options.position + 1; start + BATCH_HEADER_BYTES <= options.limit; start += STEP_BYTES) {
    const length = Math.min(STEP_BYTES + BATCH_HEADER_BYTES, options.limit - start);
    const view = await window.at(start, length);
    if (view === null) return null;
    // The window's buffer is reused by the candidate's own reads.
    const bytes = view.slice();
    for (let at = 0; at < Math.min(STEP_BYTES, length - BATCH_HEADER_BYTES + 1); at++) {
      // The high byte of an offset below 2^53 is 0.
      if (bytes[at + MAGIC_AT] !== 2 || bytes[at] !== 0) continue;
      const next = await candidate(window, start + at, options);
      if (next !== null) return next;
    }
  }
  return null;
}

async function candidate(window: Window, position: number, options: ResyncOptions): Promise<{ offset: number; position: number } | null> {
  if (position + BATCH_HEADER_BYTES > options.limit) return null;
  const head = await window.at(position, 12);
  const size = head === null ? null : claimedSize(head);
  if (head === null || size === null || position + size > options.limit) return null;
  const offset = Number(new DataView(head.buffer, head.byteOffset).getBigInt64(0));
  if (offset <= options.expected.offset || offset >= options.untilOffset) return null;
  const batch = await window.at(position, size);
  if (batch === null) return null;
  const header = verifyBatch(batch, { ...options.expected, offset });
  return typeof header === "string" || header.lastOffset >= options.untilOffset ? null : { offset, position };
}
