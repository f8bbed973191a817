import { ProduceError, SendAllError } from "../errors.ts";
import type { RecordMetadata } from "./api.ts";
import type { Delivery } from "./batch.ts";
import type { Outgoing } from "./outgoing.ts";

/** One `send` or `sendAll`, while not all of its records have found room in the buffer. */
export interface SendCall {
  readonly count: number;
  /** The first that has not. */
  next: number;
  /** Monotonic. */
  readonly startedMs: number;
  record(index: number): Outgoing;
  delivery(index: number): Delivery;
  /** The rest will not be sent. */
  refuse(error: Error): void;
  /** All found room, or were refused; null while nobody asks. */
  admitted: (() => void) | null;
}

/** Its own delivery: of these there are as many as records. */
export class SingleCall implements SendCall, Delivery {
  readonly count = 1;
  next = 0;
  readonly startedMs: number;
  readonly delivered: (metadata: RecordMetadata) => void;
  readonly failed: (error: Error) => void;
  admitted: (() => void) | null = null;
  readonly #record: Outgoing;

  constructor(record: Outgoing, startedMs: number, resolve: (metadata: RecordMetadata) => void, reject: (error: Error) => void) {
    this.#record = record;
    this.startedMs = startedMs;
    this.delivered = resolve;
    this.failed = reject;
  }

  record(): Outgoing {
    return this.#record;
  }

  delivery(): Delivery {
    return this;
  }

  refuse(error: Error): void {
    this.failed(error);
  }
}

/** Settles once every record has its outcome. */
export class ManyCall implements SendCall {
  next = 0;
  readonly startedMs: number;
  admitted: (() => void) | null = null;
  readonly #topic: string;
  readonly #records: readonly Outgoing[];
  readonly #results: (RecordMetadata | Error)[] = [];
  readonly #resolve: (metadata: RecordMetadata[]) => void;
  readonly #reject: (error: Error) => void;
  #open: number;

  constructor(
    topic: string,
    records: readonly Outgoing[],
    startedMs: number,
    resolve: (metadata: RecordMetadata[]) => void,
    reject: (error: Error) => void,
  ) {
    this.#topic = topic;
    this.#records = records;
    this.#open = records.length;
    this.startedMs = startedMs;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get count(): number {
    return this.#records.length;
  }

  record(index: number): Outgoing {
    const record = this.#records[index];
    if (record === undefined) throw new Error(`Invariant broken: record ${index} of ${this.#records.length}`);
    return record;
  }

  delivery(index: number): Delivery {
    return new PartOfMany(this, index);
  }

  refuse(error: Error): void {
    for (let index = this.next; index < this.#records.length; index++) this.settle(index, error);
  }

  settle(index: number, result: RecordMetadata | Error): void {
    this.#results[index] = result;
    if (--this.#open > 0) return;
    const delivered: RecordMetadata[] = [];
    let failure: Error | null = null;
    for (const each of this.#results) {
      if (each instanceof Error) failure ??= each;
      else delivered.push(each);
    }
    if (failure === null) this.#resolve(delivered);
    else this.#reject(failure instanceof ProduceError ? new SendAllError(this.#topic, failure, this.#results) : failure);
  }
}

class PartOfMany implements Delivery {
  readonly #call: ManyCall;
  readonly #index: number;

  constructor(call: ManyCall, index: number) {
    this.#call = call;
    this.#index = index;
  }

  delivered(metadata: RecordMetadata): void {
    this.#call.settle(this.#index, metadata);
  }

  failed(error: Error): void {
    this.#call.settle(this.#index, error);
  }
}
