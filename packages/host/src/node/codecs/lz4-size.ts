import { damaged, tooLarge } from "./limits.ts";

const MAGIC = 0x184d2204;
const SKIPPABLE = 0x184d2a50;

/** Walks the blocks of lz4 frames and adds up what their sequences expand to, without expanding them: frames need not announce their
 * size, and the library would allocate whatever they grow to.
 * @see LZ4 frame format 1.6.4, block format 2022-07-31 */
export function checkLz4(data: Uint8Array, maxOutputBytes: number): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const word = (at: number): number => {
    if (at + 4 > data.byteLength) throw damaged("lz4", `it ends within a frame, at byte ${data.byteLength}`);
    return view.getUint32(at, true);
  };
  let expanded = 0;
  let at = 0;
  while (at < data.byteLength) {
    const magic = word(at);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
      at += 8 + word(at + 4);
      continue;
    }
    if (magic !== MAGIC) throw damaged("lz4", `no frame begins at byte ${at}`);
    const flags = data[at + 4] ?? 0;
    const blockChecksum = (flags & 0x10) !== 0;
    at += 7 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0);
    for (;;) {
      const header = word(at);
      at += 4;
      if (header === 0) break;
      const length = header & 0x7fffffff;
      if (at + length > data.byteLength) throw damaged("lz4", `a block of ${length} bytes at byte ${at} goes beyond the end`);
      expanded += (header & 0x80000000) !== 0 ? length : expandedSize(data, at, at + length, maxOutputBytes - expanded);
      if (expanded > maxOutputBytes) throw tooLarge("lz4", expanded, maxOutputBytes);
      at += length + (blockChecksum ? 4 : 0);
    }
    if ((flags & 0x04) !== 0) at += 4;
  }
}

/** Of one compressed block; stops once it is above `limit`. */
function expandedSize(data: Uint8Array, from: number, until: number, limit: number): number {
  let size = 0;
  let at = from;
  while (at < until && size <= limit) {
    const token = data[at] ?? 0;
    at += 1;
    let literals = token >>> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255 && at < until) {
        more = data[at] ?? 0;
        at += 1;
        literals += more;
      }
    }
    at += literals;
    size += literals;
    if (at >= until) break;
    at += 2;
    let match = (token & 15) + 4;
    if ((token & 15) === 15) {
      let more = 255;
      while (more === 255 && at < until) {
        more = data[at] ?? 0;
        at += 1;
        match += more;
      }
    }
    size += match;
  }
  return size;
}
