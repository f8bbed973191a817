import { createRequire } from "node:module";

type Crc32c = (bytes: Uint8Array) => number;

const POLYNOMIAL = 0x82f63b78;
// Calling the addon costs as much as this many bytes in JavaScript.
const NATIVE_FROM_BYTES = 64;

/** Row k (256 entries) holds what a byte does to the checksum when k more bytes follow it. */
const table = new Int32Array(8 * 256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let row = 0; row < 8; row++) {
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    table[row * 256 + byte] = crc;
  }
}

const effect = (row: number, byte: number): number => table[row * 256 + (byte & 255)] as number;

/** Without the addon: eight bytes a step ("slicing by 8"). */
export function tableCrc32c(bytes: Uint8Array): number {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stepsEnd = bytes.length - (bytes.length % 8);
  let crc = -1;
  for (let at = 0; at < stepsEnd; at += 8) {
    const low = crc ^ words.getInt32(at, true);
    const high = words.getInt32(at + 4, true);
    crc =
      effect(7, low) ^
      effect(6, low >>> 8) ^
      effect(5, low >>> 16) ^
      effect(4, low >>> 24) ^
      effect(3, high) ^
      effect(2, high >>> 8) ^
      effect(1, high >>> 16) ^
      effect(0, high >>> 24);
  }
  for (let at = stepsEnd; at < bytes.length; at++) crc = effect(0, crc ^ words.getUint8(at)) ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}

/** The optional addon @node-rs/crc32, or nothing where it is not installed or does not load. */
export function loadNativeCrc32c(): Crc32c | undefined {
  try {
    const addon: { crc32c: Crc32c } = createRequire(import.meta.url)("@node-rs/crc32");
    return (bytes) => addon.crc32c(bytes);
  } catch {
    return undefined;
  }
}

let large: Crc32c | undefined;

/** CRC-32C (Castagnoli), unsigned. */
export function crc32c(bytes: Uint8Array): number {
  if (bytes.length < NATIVE_FROM_BYTES) return tableCrc32c(bytes);
  large ??= loadNativeCrc32c() ?? tableCrc32c;
  return large(bytes);
}
