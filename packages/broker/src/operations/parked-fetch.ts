import type { ProtocolError } from "@ottla/protocol";
import type { Partition } from "../partition/partition.ts";
import type { Reader } from "../partition/surroundings.ts";
import type { BrokerParts } from "./context.ts";

/** A partition as the request found it. */
export interface Looked {
  readonly partition: Partition | null;
  readonly end: number;
  readonly epoch: number;
  readonly error: ProtocolError | null;
}

/** A fetch that waits: woken by the partitions it names, never looking by itself. */
export class ParkedFetch implements Reader {
  readonly #looked: readonly Looked[];
  #missingBytes: number;
  #wake: () => void = () => {};

  constructor(looked: readonly Looked[], missingBytes: number) {
    this.#looked = looked;
    this.#missingBytes = missingBytes;
  }

  committed(bytes: number): void {
    this.#missingBytes -= bytes;
    if (this.#missingBytes <= 0) this.#wake();
  }

  changed(): void {
    this.#wake();
  }

  /** @throws the signal's reason */
  async wait({ timeouts }: BrokerParts, waitMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    // What came while the partitions were read would not wake it.
    if (
      this.#looked.some(
        ({ partition, end, epoch }) => partition !== null && (partition.highWatermark !== end || partition.leaderEpoch !== epoch),
      )
    )
      return;
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    const timer = timeouts.after(waitMs, this.#wake);
    signal.addEventListener("abort", this.#wake, { once: true });
    for (const { partition } of this.#looked) partition?.addReader(this);
    await woken;
    for (const { partition } of this.#looked) partition?.removeReader(this);
    signal.removeEventListener("abort", this.#wake);
    timer.cancel();
    signal.throwIfAborted();
  }
}
