const LANES = 8;

export const DIGEST_BYTES = 4 * LANES;

/** Identifies a state by its content, whatever the order in which it came about: the sum, lane by lane modulo 2^32, of a nonlinear hash
 * of every key and value. A change costs the change. (An XOR of checksums would not notice two values that swapped their keys.) */
export class Digest {
  readonly #lanes = new Uint32Array(LANES);

  add(encodedFact: Uint8Array): void {
    hash(encodedFact);
    for (let lane = 0; lane < LANES; lane++) this.#lanes[lane] = (this.#lanes[lane] ?? 0) + (hashed[lane] ?? 0);
  }

  subtract(encodedFact: Uint8Array): void {
    hash(encodedFact);
    for (let lane = 0; lane < LANES; lane++) this.#lanes[lane] = (this.#lanes[lane] ?? 0) - (hashed[lane] ?? 0);
  }

  /** A copy: lanes in order, each little-endian. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(DIGEST_BYTES);
    const view = new DataView(bytes.buffer);
    for (let lane = 0; lane < LANES; lane++) view.setUint32(4 * lane, this.#lanes[lane] ?? 0, true);
    return bytes;
  }
}

export function sameDigest(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

export function digestText(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.length).toString("hex");
}

/** Result of {@link hash}: one for all, because hashing is synchronous and happens for every changed key. */
const hashed = new Uint32Array(LANES);

/** MurmurHash3 x86_128 (Austin Appleby, public domain), without a seed, whose 128 bits are then mixed once more for the upper lanes. */
function hash(bytes: Uint8Array): void {
  const c1 = 0x239b961b;
  const c2 = 0xab0e9789;
  const c3 = 0x38b34ae5;
  const c4 = 0xa1e38b93;
  let h1 = 0;
  let h2 = 0;
  let h3 = 0;
  let h4 = 0;
  const length = bytes.length;
  for (let at = 0; at < length; at += 16) {
    const k1 = word(bytes, at);
    const k2 = word(bytes, at + 4);
    const k3 = word(bytes, at + 8);
    const k4 = word(bytes, at + 12);
    h1 ^= Math.imul(rotate(Math.imul(k1, c1), 15), c2);
    h1 = (Math.imul((rotate(h1, 19) + h2) | 0, 5) + 0x561ccd1b) | 0;
    h2 ^= Math.imul(rotate(Math.imul(k2, c2), 16), c3);
    h2 = (Math.imul((rotate(h2, 17) + h3) | 0, 5) + 0x0bcaa747) | 0;
    h3 ^= Math.imul(rotate(Math.imul(k3, c3), 17), c4);
    h3 = (Math.imul((rotate(h3, 15) + h4) | 0, 5) + 0x96cd1c35) | 0;
    h4 ^= Math.imul(rotate(Math.imul(k4, c4), 18), c1);
    h4 = (Math.imul((rotate(h4, 13) + h1) | 0, 5) + 0x32ac3b17) | 0;
  }
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = finish((h2 + h1) | 0);
  h3 = finish((h3 + h1) | 0);
  h4 = finish((h4 + h1) | 0);
  h1 = finish(h1);
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  hashed[0] = h1;
  hashed[1] = h2;
  hashed[2] = h3;
  hashed[3] = h4;
  hashed[4] = finish(h1 ^ rotate(h2, 7));
  hashed[5] = finish(h2 ^ rotate(h3, 11));
  hashed[6] = finish(h3 ^ rotate(h4, 13));
  hashed[7] = finish(h4 ^ rotate(h1, 17));
}

/** Four bytes, little-endian; zeros beyond the end (the length is hashed too). */
function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function finish(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
