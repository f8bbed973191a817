import type { Draw } from "./draw.ts";

/** Numbers that lengths, counts, offsets and versions are tried with. */
const extremes = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

type Change = (bytes: Uint8Array, draw: Draw, seeds: readonly Uint8Array[]) => Uint8Array;

const changes: readonly Change[] = [
  // one bit
  (bytes, { below }) => replaced(bytes, below(bytes.length), (byte) => byte ^ (1 << below(8))),
  // one byte
  (bytes, { below }) => replaced(bytes, below(bytes.length), () => below(256)),
  // the tail is missing
  (bytes, { below }) => bytes.slice(0, below(bytes.length)),
  // something follows
  (bytes, { below, garbage }) => joined(bytes, garbage(1 + below(64))),
  // a stretch of garbage, as of a sector that was never written
  (bytes, { below, garbage }) => overwritten(bytes, below(bytes.length), garbage(1 + below(64))),
  (bytes, { below }) => overwritten(bytes, below(bytes.length), new Uint8Array(1 + below(512))),
  // a number of 1, 2, 4 or 8 bytes at the ends of its range
  (bytes, { below }) =>
    overwritten(bytes, below(bytes.length), number(extremes[below(extremes.length)] ?? 0, 1 << below(4), below(2) === 0)),
  // a varint that is too long or too large
  (bytes, { below }) => overwritten(bytes, below(bytes.length), varint(below(11))),
  // a part is gone, a part comes twice
  (bytes, { below }) => spliced(bytes, below(bytes.length), 1 + below(16), 0),
  (bytes, { below }) => spliced(bytes, below(bytes.length), 0, 1 + below(64)),
  // the beginning of one and the end of another
  (bytes, { below }, seeds) => {
    const other = seeds[below(seeds.length)] ?? bytes;
    return joined(bytes.slice(0, below(bytes.length)), other.slice(below(Math.max(other.length, 1))));
  },
  // nothing like it
  (_, { below, garbage }) => garbage(below(256)),
];

/** One seed with one to four things wrong with it. */
export function mutated(seeds: readonly Uint8Array[], draw: Draw): Uint8Array {
  let bytes: Uint8Array = seeds[draw.below(seeds.length)]?.slice() ?? new Uint8Array(0);
  for (let left = 1 + draw.below(4); left > 0; left--) {
    if (bytes.length === 0) return draw.garbage(draw.below(64));
    bytes = changes[draw.below(changes.length)]?.(bytes, draw, seeds) ?? bytes;
  }
  return bytes;
}

function replaced(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = change(changed[at] ?? 0);
  return changed;
}

function overwritten(bytes: Uint8Array, at: number, piece: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  changed.set(piece.subarray(0, bytes.length - at), at);
  return changed;
}

function spliced(bytes: Uint8Array, at: number, removed: number, repeated: number): Uint8Array {
  return joined(bytes.slice(0, at), bytes.slice(at, at + repeated), bytes.slice(at + removed));
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function number(value: number, size: number, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt.asIntN(64, BigInt(value) << (size === 8 ? 32n : 0n)), false);
  const kept = bytes.slice(8 - size);
  return littleEndian ? kept.toReversed() : kept;
}

function varint(length: number): Uint8Array {
  const bytes = new Uint8Array(length + 1).fill(0xff);
  bytes[length] = 0x7f;
  return bytes;
}
