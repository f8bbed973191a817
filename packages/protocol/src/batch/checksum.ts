import { view } from "../bytes.ts";
import { crc32c } from "./crc32c.ts";
import { words } from "./int64.ts";
import { at as field, BATCH_HEADER_BYTES, LENGTH_PREFIX_BYTES } from "./layout.ts";

/** Whether the whole batch at `at` is there and its CRC is that of its bytes from the attributes on. */
export function batchCrcMatches(bytes: Uint8Array, at = 0): boolean {
  return bytes.length - at >= BATCH_HEADER_BYTES && crcMatches(bytes, words(bytes), at);
}

/** As {@link batchCrcMatches}, for a header that is there. */
export function crcMatches(bytes: Uint8Array, header: DataView, at: number): boolean {
  const end = at + LENGTH_PREFIX_BYTES + header.getInt32(at + field.batchLength);
  if (end < at + BATCH_HEADER_BYTES || end > bytes.length) return false;
  return crc32c(view(bytes, at + field.attributes, end)) === header.getUint32(at + field.crc);
}

/** Of the one batch that `bytes` are. */
export function writeBatchCrc(bytes: Uint8Array): void {
  words(bytes).setUint32(field.crc, crc32c(view(bytes, field.attributes, bytes.length)));
}
