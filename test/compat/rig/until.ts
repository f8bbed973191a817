import { isDeepStrictEqual } from "node:util";

const withinMs = 30_000;
const everyMs = 50;

/** Looks until it is as expected; a look may fail while a leader is missing. */
export async function untilEqual<T>(look: () => Promise<T>, expected: T): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const seen: unknown = await look().catch((error: unknown) => error);
    if (isDeepStrictEqual(seen, expected)) return;
    if (performance.now() > deadlineMs)
      throw new Error(
        `After ${withinMs} ms it was ${seen instanceof Error ? seen.message : JSON.stringify(seen)}, not ${JSON.stringify(expected)}`,
      );
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Asks until there is an answer: just after a change of leader the new one may refuse for a moment. */
export async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }
}
