import type { Clock } from "@ottla/host";

/** Up to so many, whoever asks may cause errors with stacks. */
const FEW = 100;
/** So many partitions are looked at in one turn of the event loop. */
const A_TURN = 2000;

/** Runs what looks at so many partitions of one request. Each of many may be refused, and noting the stack is most of what an error costs: without,
 * one request with a hundred thousand wrong partitions stops nobody else for long. */
export function lookAtMany<T>(count: number, look: () => T): T {
  if (count <= FEW) return look();
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return look();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** As `map`; of very many it lets others have their turns of the event loop in between. */
export function mapInTurns<T, R>(clock: Clock, items: readonly T[], map: (item: T) => R): R[] | Promise<R[]> {
  if (items.length <= A_TURN) return lookAtMany(items.length, () => items.map((item) => map(item)));
  return mapVeryMany(clock, items, map);
}

async function mapVeryMany<T, R>(clock: Clock, items: readonly T[], map: (item: T) => R): Promise<R[]> {
  const mapped: R[] = [];
  for (let from = 0; from < items.length; from += A_TURN) {
    if (from > 0) await new Promise<void>((resolve) => clock.soon(resolve));
    const some = items.slice(from, from + A_TURN);
    lookAtMany(items.length, () => {
      for (const item of some) mapped.push(map(item));
    });
  }
  return mapped;
}
