import type { Reader } from "../partition/surroundings.ts";
import type { BrokerParts, RequestContext } from "./context.ts";
import type { Looked } from "./look.ts";

/** A fetch that waits: woken by the partitions it names, never looking by itself. */
export class ParkedFetch implements Reader {
  readonly #looked: readonly Looked[];
  #missingBytes: number;
  #wake: () => void = () => {};

  constructor(looked: readonly Looked[], missingBytes: number) {
    this.#looked = looked;
    // What a new leader finds to be committed is none of its own appends: nobody counts its bytes.
    this.#missingBytes = looked.some(({ notYet }) => notYet) ? 0 : missingBytes;
  }

  committed(bytes: number): void {
    this.#missingBytes -= bytes;
    if (this.#missingBytes <= 0) this.#wake();
  }

  changed(): void {
    this.#wake();
  }

  /** @throws the signal's reason */
  async wait({ timeouts }: BrokerParts, waitMs: number, { signal, draining }: RequestContext): Promise<void> {
    signal.throwIfAborted();
    // What came while the partitions were read would not wake it.
    if (this.#looked.some(moved) || draining?.aborted === true) return;
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    const timer = timeouts.after(waitMs, this.#wake);
    signal.addEventListener("abort", this.#wake, { once: true });
    draining?.addEventListener("abort", this.#wake, { once: true });
    for (const { partition } of this.#looked) partition?.addReader(this);
    await woken;
    for (const { partition } of this.#looked) partition?.removeReader(this);
    signal.removeEventListener("abort", this.#wake);
    draining?.removeEventListener("abort", this.#wake);
    timer.cancel();
    signal.throwIfAborted();
  }
}

function moved({ partition, highWatermark, epoch }: Looked): boolean {
  return partition !== null && (partition.highWatermark !== highWatermark || partition.leaderEpoch !== epoch);
}
