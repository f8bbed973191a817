const TWO_32 = 2 ** 32;

/** Exact up to ±(2^53 - 1); beyond, a number that is no safe integer. */
export function readInt64(words: DataView, at: number): number {
  return words.getInt32(at) * TWO_32 + words.getUint32(at + 4);
}

export function writeInt64(words: DataView, at: number, value: number): void {
  words.setInt32(at, Math.floor(value / TWO_32));
  words.setUint32(at + 4, value);
}

export function words(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
