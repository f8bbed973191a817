const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/** The hash that Kafka's default partitioner takes of a key, a signed 32-bit number; the partition is
 * `(murmur2(key) & 0x7fffffff) % partitions`. */
export function murmur2(key: Uint8Array): number {
  const words = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const wordsEnd = key.length - (key.length % 4);
  let hash = SEED ^ key.length;
  for (let at = 0; at < wordsEnd; at += 4) {
    let word = Math.imul(words.getInt32(at, true), M);
    word = Math.imul(word ^ (word >>> 24), M);
    hash = Math.imul(hash, M) ^ word;
  }
  for (let at = key.length - 1; at >= wordsEnd; at--) hash ^= words.getUint8(at) << (8 * (at - wordsEnd));
  if (wordsEnd < key.length) hash = Math.imul(hash, M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}
