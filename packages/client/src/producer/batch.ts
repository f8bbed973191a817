import { sequencePlus, type ProtocolError, type RecordToEncode } from "@ottla/protocol";
import type { RecordMetadata } from "./api.ts";
import type { Outgoing } from "./outgoing.ts";

/** Where the outcome of one record goes. */
export interface Delivery {
  delivered(metadata: RecordMetadata): void;
  failed(error: Error): void;
}

/** Records of one partition that travel together. It is open, then sealed, then sent (it has a sequence), then settled. */
export class Batch {
  readonly records: RecordToEncode[] = [];
  readonly deliveries: Delivery[] = [];
  /** At least its size before compression. */
  bytes = 0;
  /** Monotonic; from here counts the delivery timeout. */
  startedMs: number;
  /** It has waited long enough for company. */
  due = false;
  /** Of its first record; -1 until it is sent, and always without idempotence. */
  sequence = -1;
  /** Its place among the batches of its lane, also while it has no sequence. */
  place = 0;
  encoded: Uint8Array | null = null;
  encoding = false;
  inFlight = false;
  /** Handed to a stream since it got its sequence. */
  tried = false;
  sentMs = 0;
  /** Names the try that an answer belongs to. */
  attempt = 0;
  /** Refused as out of order: to be sent again once this earlier one is settled, not before. */
  behind: Batch | null = null;
  /** One of the tries may have been appended. */
  uncertain = false;
  lastError: ProtocolError | null = null;
  acknowledged = false;
  settled = false;
  readonly watchers: Watcher[] = [];

  constructor(startedMs: number) {
    this.startedMs = startedMs;
  }

  add(outgoing: Outgoing, delivery: Delivery, startedMs: number): void {
    this.records.push(outgoing);
    this.deliveries.push(delivery);
    this.bytes += outgoing.bytes;
    this.startedMs = Math.min(this.startedMs, startedMs);
  }

  /** To be encoded anew under another identity. */
  withdraw(): void {
    this.sequence = -1;
    this.encoded = null;
    this.inFlight = false;
    this.tried = false;
    this.behind = null;
    this.attempt++;
  }

  /** Two halves that keep its sequences, for a broker that takes only smaller batches. */
  split(): [Batch, Batch] {
    const half = this.records.length >> 1;
    const parts: [Batch, Batch] = [this.#part(0, half), this.#part(half, this.records.length)];
    parts[1].bytes = this.bytes - parts[0].bytes;
    for (const watcher of this.watchers) {
      watcher.remaining++;
      for (const part of parts) part.watchers.push(watcher);
    }
    return parts;
  }

  #part(from: number, until: number): Batch {
    const part = new Batch(this.startedMs);
    part.records.push(...this.records.slice(from, until));
    part.deliveries.push(...this.deliveries.slice(from, until));
    part.bytes = Math.floor((this.bytes * (until - from)) / this.records.length);
    part.due = true;
    part.sequence = this.sequence === -1 ? -1 : sequencePlus(this.sequence, from);
    part.place = this.place;
    part.uncertain = this.uncertain;
    part.lastError = this.lastError;
    return part;
  }
}

/** Waits until all batches that it was given to are settled. */
export interface Watcher {
  remaining: number;
  readonly done: () => void;
}
