import { BATCH_HEADER_BYTES } from "@ottla/protocol";
import type { Clock } from "@ottla/host";
import { Batch, type Delivery } from "./batch.ts";
import type { Lane } from "./lane.ts";
import type { Ledger } from "./ledger.ts";
import { Linger } from "./linger.ts";
import type { Outgoing } from "./outgoing.ts";
import type { ProducerSettings } from "./settings.ts";

export interface GatheringOptions {
  readonly clock: Clock;
  readonly settings: ProducerSettings;
  readonly ledger: Ledger;
  /** The open batch of the lane is full. */
  readonly sealed: (lane: Lane) => void;
  /** It has waited long enough. */
  readonly due: (lane: Lane) => void;
}

/** Records come into the open batches of their lanes, as far as the buffer has room. */
export class Gathering {
  readonly #ledger: Ledger;
  readonly #linger: Linger;
  readonly #sealed: (lane: Lane) => void;
  readonly #maxBatchBytes: number;
  readonly #maxBufferedBytes: number;

  constructor({ clock, settings, ledger, sealed, due }: GatheringOptions) {
    this.#ledger = ledger;
    this.#sealed = sealed;
    this.#linger = new Linger(clock, settings.lingerMs, due);
    this.#maxBatchBytes = settings.batchBytes - BATCH_HEADER_BYTES;
    this.#maxBufferedBytes = settings.maxBufferedBytes;
  }

  get bufferedBytes(): number {
    return this.#ledger.bufferedBytes;
  }

  room(bytes: number): boolean {
    return this.bufferedBytes === 0 || this.bufferedBytes + bytes <= this.#maxBufferedBytes;
  }

  put(lane: Lane, outgoing: Outgoing, delivery: Delivery, startedMs: number): void {
    if (lane.open !== null && lane.open.bytes + outgoing.bytes > this.#maxBatchBytes) this.#seal(lane);
    const batch = lane.open ?? new Batch(startedMs);
    batch.add(outgoing, delivery, startedMs);
    this.#ledger.add(outgoing.bytes);
    if (lane.open === null) {
      lane.open = batch;
      this.#linger.add(lane, batch);
    }
    if (batch.bytes >= this.#maxBatchBytes) this.#seal(lane);
  }

  /** Open batches stop waiting for company, also those that come while it is on. */
  hurry(on: boolean): void {
    this.#linger.hurry(on);
  }

  close(): void {
    this.#linger.close();
  }

  #seal(lane: Lane): void {
    lane.seal();
    this.#sealed(lane);
  }
}
