import { ascii, asciiText, FieldReader, FieldWriter } from "../format/fields.ts";
import type { EpochEntry } from "../log/epoch-cache.ts";
import { type DamageFate, damageFates, type DamageRange } from "../log/damage.ts";
import type { LogPosition, SegmentSummary } from "../segment/segment.ts";

/** What is known of a log besides its batches. */
export interface LogState {
  readonly startOffset: number;
  /** All below it is durable; recovery begins here. */
  readonly point: LogPosition;
  readonly epochs: readonly EpochEntry[];
  /** As far as known when this was written; beyond the recovery point the files say more. */
  readonly segments: readonly SegmentSummary[];
  readonly damage: readonly DamageRange[];
  /** A power failure may take records that were acknowledged: see {@link LogCore.relaxed}. */
  readonly relaxed: boolean;
}

const STATE = 1;
const REMOVED = 2;
const EPOCH_BYTES = 12;
const SEGMENT_BYTES = 40;
const DAMAGE_BYTES = 41;

export function encodeState(name: string, state: LogState): Uint8Array {
  const fields = new FieldWriter(96 + name.length + state.epochs.length * EPOCH_BYTES + state.segments.length * SEGMENT_BYTES);
  fields.u8(STATE).u8(name.length).bytes(ascii(name)).i64(state.startOffset);
  fields.i64(state.point.offset).i64(state.point.segmentBase).i64(state.point.position);
  fields.u32(state.epochs.length);
  for (const { epoch, startOffset } of state.epochs) fields.i32(epoch).i64(startOffset);
  fields.u32(state.segments.length);
  for (const segment of state.segments) {
    fields.i64(segment.base).i64(segment.endOffset).i64(segment.sizeBytes).i64(segment.maxTimestamp).i64(segment.createdMs);
  }
  fields.u32(state.damage.length);
  for (const range of state.damage) {
    fields
      .i64(range.from)
      .i64(range.until)
      .i64(range.segmentBase)
      .i64(range.startPosition)
      .i64(range.endPosition)
      .u8(damageFates.indexOf(range.fate));
  }
  return fields.u8(state.relaxed ? 1 : 0).done();
}

export function encodeRemoved(name: string): Uint8Array {
  return new FieldWriter(2 + name.length).u8(REMOVED).u8(name.length).bytes(ascii(name)).done();
}

/** `state` is null for a removed log.
 * @throws RangeError when the record is not one */
export function decodeState(record: Uint8Array): { name: string; state: LogState | null } {
  const fields = new FieldReader(record);
  const kind = fields.u8();
  const name = asciiText(fields.bytes(fields.u8()));
  if (kind === REMOVED) return { name, state: null };
  if (kind !== STATE) throw new RangeError(`record of unknown kind ${kind}`);
  const startOffset = fields.i64();
  const point = { offset: fields.i64(), segmentBase: fields.i64(), position: fields.i64() };
  const epochs = Array.from({ length: fields.count(EPOCH_BYTES) }, () => ({ epoch: fields.i32(), startOffset: fields.i64() }));
  const segments = Array.from({ length: fields.count(SEGMENT_BYTES) }, () => ({
    base: fields.i64(),
    endOffset: fields.i64(),
    sizeBytes: fields.i64(),
    maxTimestamp: fields.i64(),
    createdMs: fields.i64(),
  }));
  const damage = Array.from({ length: fields.count(DAMAGE_BYTES) }, () => ({
    from: fields.i64(),
    until: fields.i64(),
    segmentBase: fields.i64(),
    startPosition: fields.i64(),
    endPosition: fields.i64(),
    fate: fateOf(fields.u8()),
  }));
  const relaxed = fields.u8() === 1;
  return { name, state: { startOffset, point, epochs, segments, damage, relaxed } };
}

function fateOf(code: number): DamageFate {
  const fate = damageFates[code];
  if (fate === undefined) throw new RangeError(`damage of unknown fate ${code}`);
  return fate;
}
