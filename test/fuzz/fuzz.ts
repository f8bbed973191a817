import { drawOf } from "./draw.ts";
import { mutated } from "./mutate.ts";
import type { Target } from "./target.ts";

const caseMaxMs = 20_000;

export class FuzzFailure extends Error {
  override readonly name = "FuzzFailure";
}

/** Cases `from` to `until` of a target: each is made of seed, target and number alone. */
export async function fuzz(target: Target, seed: number, from: number, until: number): Promise<void> {
  const seeds = await target.seeds();
  for (let index = from; index < until; index++) {
    const bytes = mutated(seeds, drawOf(seed, target.name, index));
    await checked(target, bytes, () => `case ${index}; again: npm run test:fuzz -- --seed ${seed} --target ${target.name} --case ${index}`);
  }
}

/** The first seed is read as it is; every seed may be cut off: after every byte where that takes no time, else after some `most` lengths. */
export async function truncations(target: Target, most: number): Promise<void> {
  for (const [at, bytes] of (await target.seeds()).entries()) {
    if (!(await checked(target, bytes, () => `seed ${at}`)) && at === 0) throw new FuzzFailure(`${target.name}: its own output is refused`);
    const step = Math.max(1, Math.floor(bytes.length / most));
    for (let length = 0; length < bytes.length; length += step) {
      await checked(target, bytes.slice(0, length), () => `seed ${at} cut to ${length} of ${bytes.length} bytes`);
    }
  }
}

async function checked(target: Target, bytes: Uint8Array, which: () => string): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${caseMaxMs} ms`)), caseMaxMs);
  });
  try {
    return await Promise.race([target.check(bytes), hang]);
  } catch (error) {
    const shown = Buffer.from(bytes.subarray(0, 512)).toString("hex");
    throw new FuzzFailure(
      `${target.name}: ${which()}\n${bytes.length} bytes: ${shown}\n${error instanceof Error ? error.stack : String(error)}`,
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
  }
}
