import type { ConsumerBatch, RunOptions, SeekTarget, TopicPartition, TopicPartitionOffset } from "./api.ts";

const notYet = (..._: unknown[]): never => { throw new Error("not written yet"); };

export class Consumer<R> implements AsyncDisposable, AsyncIterable<R> {
  [Symbol.asyncIterator](): AsyncIterator<R> { return notYet(); }
  batches(): AsyncIterable<ConsumerBatch<R>> { return notYet(); }
  run(options: RunOptions<R>): Promise<void> { return notYet(options); }
  assignment(): Promise<TopicPartition[]> { return notYet(); }
  position(partition: TopicPartition): Promise<number> { return notYet(partition); }
  committed(): Promise<TopicPartitionOffset[]> { return notYet(); }
  commit(offsets?: readonly TopicPartitionOffset[]): Promise<void> { return notYet(offsets); }
  pause(partitions?: readonly TopicPartition[]): void { return notYet(partitions); }
  resume(partitions?: readonly TopicPartition[]): void { return notYet(partitions); }
  seek(partition: TopicPartition, target: SeekTarget): Promise<void> { return notYet(partition, target); }
  seekAll(target: SeekTarget): Promise<void> { return notYet(target); }
  close(): Promise<void> { return notYet(); }
  [Symbol.asyncDispose](): Promise<void> { return this.close(); }
}
