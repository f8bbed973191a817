import { damaged, tooLarge } from "./limits.ts";

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
/** Block_Maximum_Size of the format. */
const BLOCK_BYTES = 128 << 10;

/** Walks the blocks of zstd frames. A compressed block may expand to 128 KiB and only decoding tells to how much, so blocks count with
 * that; data that could expand to more than twice the limit is refused, and what a frame announces must be within it.
 * @returns the most that the data can expand to
 * @see RFC 8878 §3.1.1 */
export function checkZstd(data: Uint8Array, maxOutputBytes: number): number {
  const byte = (at: number): number => {
    const value = data[at];
    if (value === undefined) throw damaged("zstd", `it ends within a frame, at byte ${data.byteLength}`);
    return value;
  };
  const number = (at: number, bytes: number): number => {
    let value = 0;
    for (let index = 0; index < bytes; index += 1) value += byte(at + index) * 2 ** (8 * index);
    return value;
  };
  const ceiling = 2 * maxOutputBytes + BLOCK_BYTES;
  let most = 0;
  let announced = 0;
  let at = 0;
  while (at < data.byteLength) {
    const magic = number(at, 4);
    if (magic - (magic % 16) === SKIPPABLE) {
      at += 8 + number(at + 4, 4);
      continue;
    }
    if (magic !== MAGIC) throw damaged("zstd", `no frame begins at byte ${at}`);
    const descriptor = byte(at + 4);
    const single = (descriptor & 0x20) !== 0;
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
    const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >>> 6] ?? 0;
    at += 5 + (single ? 0 : 1) + dictionaryBytes;
    if (sizeBytes > 0) announced += number(at, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
    if (announced > maxOutputBytes) throw tooLarge("zstd", announced, maxOutputBytes);
    at += sizeBytes;
    let last = false;
    while (!last) {
      const header = number(at, 3);
      last = (header & 1) === 1;
      const kind = (header >>> 1) & 3;
      const length = header >>> 3;
      if (kind === 3) throw damaged("zstd", `the block at byte ${at} is of no known kind`);
      most += kind === 2 ? BLOCK_BYTES : length;
      if (most > ceiling) throw tooLarge("zstd", maxOutputBytes, maxOutputBytes);
      at += 3 + (kind === 1 ? 1 : length);
    }
    if ((descriptor & 4) !== 0) at += 4;
  }
  return most;
}
