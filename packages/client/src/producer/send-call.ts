import type { RecordMetadata } from "./api.ts";
import type { Delivery } from "./batch.ts";
import { ProduceError, SendAllError } from "../errors.ts";
import type { Outgoing } from "./outgoing.ts";

/** One `send` or `sendAll`, while not all of its records have found room in the buffer. */
export interface SendCall {
  readonly records: readonly Outgoing[];
  /** The first that has not. */
  next: number;
  readonly startedMs: number;
  delivery(index: number): Delivery;
  /** The rest will not be sent. */
  refuse(error: Error): void;
  /** All found room, or were refused. */
  admitted: () => void;
}

export function singleCall(record: Outgoing, startedMs: number, resolve: (metadata: RecordMetadata) => void, reject: (error: Error) => void): SendCall {
  const delivery: Delivery = { delivered: resolve, failed: reject };
  return { records: [record], next: 0, startedMs, delivery: () => delivery, refuse: reject, admitted: () => {} };
}

/** Settles once every record has its outcome. */
export function manyCall(topic: string, records: readonly Outgoing[], startedMs: number, resolve: (metadata: RecordMetadata[]) => void, reject: (error: Error) => void): SendCall {
  const results: (RecordMetadata | Error)[] = [];
  let open = records.length;
  const settle = (index: number, result: RecordMetadata | Error): void => {
    results[index] = result;
    if (--open > 0) return;
    const failure = results.find((each): each is Error => each instanceof Error);
    if (failure === undefined) resolve(results.filter((each): each is RecordMetadata => !(each instanceof Error)));
    else reject(failure instanceof ProduceError ? new SendAllError(topic, failure, results) : failure);
  };
  return {
    records,
    next: 0,
    startedMs,
    delivery: (index) => ({ delivered: (metadata) => settle(index, metadata), failed: (error) => settle(index, error) }),
    refuse(error) {
      for (let index = this.next; index < records.length; index++) settle(index, error);
    },
    admitted: () => {},
  };
}
