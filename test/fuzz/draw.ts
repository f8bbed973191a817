import { seeded } from "../../scripts/support/seeded.ts";

/** The choices of one case, which its number repeats. */
export interface Draw {
  below(this: void, bound: number): number;
  garbage(this: void, length: number): Uint8Array;
}

export function drawOf(seed: number, name: string, index: number): Draw {
  let mixed = seed >>> 0;
  for (const code of Buffer.from(`${name} ${index}`)) mixed = Math.imul(mixed ^ code, 0x01000193) >>> 0;
  const below = seeded(mixed);
  const garbage = (length: number): Uint8Array => Uint8Array.from({ length }, () => below(256));
  return { below, garbage };
}
