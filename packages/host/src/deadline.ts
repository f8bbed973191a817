import type { Clock } from "./clock.ts";

/** `AbortSignal.timeout` on the host's clock. Cancel it when the wait is over, or the timer lives on. */
export interface Deadline {
  readonly signal: AbortSignal;
  cancel(): void;
}

/** Aborts after `delayMs` with a TimeoutError that says `what` took too long, or with `parent`, whichever is first. */
export function deadline(clock: Clock, delayMs: number, what: string, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  const abort = (): void => controller.abort(parent?.reason);
  const timer = clock.after(delayMs, () => {
    parent?.removeEventListener("abort", abort);
    controller.abort(new DOMException(`${what} took longer than ${delayMs} ms`, "TimeoutError"));
  });
  if (parent?.aborted) abort();
  else parent?.addEventListener("abort", abort, { once: true });
  return {
    signal: controller.signal,
    cancel() {
      timer.cancel();
      parent?.removeEventListener("abort", abort);
    },
  };
}

/** Resolves after `delayMs`; rejects with the signal's reason when aborted. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
