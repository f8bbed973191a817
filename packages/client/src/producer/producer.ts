import type { Topic } from "../topic/topic.ts";
import type { OutgoingRecord, RecordMetadata, SendOptions } from "./api.ts";

const notYet = (..._: unknown[]): never => { throw new Error("not written yet"); };

export class Producer implements AsyncDisposable {
  send<V, K>(topic: Topic<V, K>, record: OutgoingRecord<V, K>, options?: SendOptions): Promise<RecordMetadata>;
  send(topic: string, record: OutgoingRecord, options?: SendOptions): Promise<RecordMetadata>;
  send(topic: string | Topic<unknown, unknown>, record: OutgoingRecord<unknown, unknown>, options?: SendOptions): Promise<RecordMetadata> { return notYet(topic, record, options); }
  sendAll<V, K>(topic: Topic<V, K>, records: readonly OutgoingRecord<V, K>[], options?: SendOptions): Promise<RecordMetadata[]>;
  sendAll(topic: string, records: readonly OutgoingRecord[], options?: SendOptions): Promise<RecordMetadata[]>;
  sendAll(topic: string | Topic<unknown, unknown>, records: readonly OutgoingRecord<unknown, unknown>[], options?: SendOptions): Promise<RecordMetadata[]> { return notYet(topic, records, options); }
  flush(options?: { signal?: AbortSignal }): Promise<void> { return notYet(options); }
  close(options?: { timeoutMs?: number }): Promise<void> { return notYet(options); }
  [Symbol.asyncDispose](): Promise<void> { return this.close(); }
}
