import assert from "node:assert";
import { randomBytes } from "node:crypto";
import { versionFour, type Random } from "../random.ts";

const POOL_BYTES = 4096;

/** The operating system's randomness, fetched in pieces because a call per number costs a microsecond. */
export function nodeRandom(): Random {
  let pool = Buffer.alloc(0);
  let at = 0;
  const next32 = (): number => {
    if (at === pool.length) {
      pool = randomBytes(POOL_BYTES);
      at = 0;
    }
    at += 4;
    return pool.readUInt32LE(at - 4);
  };
  return {
    below(bound) {
      assert(Number.isInteger(bound) && bound >= 1 && bound <= 2 ** 32, `a random number below ${bound} was asked, 1 to 2^32 can be given`);
      // The last, incomplete run of `bound` values would favour small results.
      const limit = 2 ** 32 - (2 ** 32 % bound);
      let drawn = next32();
      while (drawn >= limit) drawn = next32();
      return drawn % bound;
    },
    bytes: (length) => randomBytes(length),
    uuid: () => versionFour(randomBytes(16)),
  };
}
