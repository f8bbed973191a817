import { crc32c } from "@ottla/protocol";
import { ascii, asciiText } from "../format/fields.ts";

/** Up to where a log has been made durable. Bytes below it that do not verify are damage, never a torn tail. */
export interface Mark {
  readonly offset: number;
  readonly segmentBase: number;
  readonly position: number;
  /** `headerCheck` of the batch that ends here; null when it is not known. */
  readonly check: number | null;
}

export const MARK_BYTES = 128;
export const MAX_NAME_BYTES = 80;
const NAME_AT = 48;

/** CRC of the rest (u32), sequence (two u32), offset, segment base, position (i64 each), check (u32), whether there is a check (u8), length
 * of the name (u8), two zero bytes, the name, zeros. */
export function encodeMark(into: Uint8Array, name: string, sequence: number, mark: Mark): void {
  const view = new DataView(into.buffer, into.byteOffset, MARK_BYTES);
  view.setUint32(4, Math.floor(sequence / 2 ** 32));
  view.setUint32(8, sequence >>> 0);
  putOffset(view, 12, mark.offset);
  putOffset(view, 20, mark.segmentBase);
  putOffset(view, 28, mark.position);
  view.setUint32(36, mark.check ?? 0);
  view.setUint8(40, mark.check === null ? 0 : 1);
  view.setUint8(41, name.length);
  into.set(ascii(name), NAME_AT);
  view.setUint32(0, crc32c(into.subarray(4, MARK_BYTES)));
}

/** Null when the copy was never written, or is torn or damaged. */
export function decodeMark(bytes: Uint8Array): { name: string; sequence: number; mark: Mark } | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, MARK_BYTES);
  const nameLength = view.getUint8(41);
  if (view.getUint32(0) !== crc32c(bytes.subarray(4, MARK_BYTES)) || nameLength === 0 || nameLength > MAX_NAME_BYTES) return null;
  return {
    name: asciiText(bytes.subarray(NAME_AT, NAME_AT + nameLength)),
    sequence: view.getUint32(4) * 2 ** 32 + view.getUint32(8),
    mark: {
      offset: offsetAt(view, 12),
      segmentBase: offsetAt(view, 20),
      position: offsetAt(view, 28),
      check: view.getUint8(40) === 1 ? view.getUint32(36) : null,
    },
  };
}

function putOffset(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value >>> 0);
}

function offsetAt(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}
