import assert from "node:assert";
import { versionFour, type Random } from "../random.ts";

/** sfc32 (Chris Doty-Humphrey, PractRand): the same seed gives the same run. */
export class SeededRandom implements Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 2 ** 32) >>> 0;
    for (let round = 0; round < 15; round += 1) this.#next();
  }

  below(bound: number): number {
    assert(Number.isInteger(bound) && bound >= 1 && bound <= 2 ** 32, `a random number below ${bound} was asked, 1 to 2^32 can be given`);
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let drawn = this.#next();
    while (drawn >= limit) drawn = this.#next();
    return drawn % bound;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 1) bytes[at] = this.#next() & 0xff;
    return bytes;
  }

  uuid(): Uint8Array {
    return versionFour(this.bytes(16));
  }

  /** A generator of its own, so that one consumer's draws do not move another's. */
  fork(): SeededRandom {
    return new SeededRandom(this.#next() * 2 ** 21 + (this.#next() >>> 11));
  }

  #next(): number {
    const drawn = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + drawn) | 0;
    return drawn >>> 0;
  }
}
