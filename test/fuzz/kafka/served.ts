import { decodeBatchSync, encodeBatchSync, kafka } from "@ottla/protocol";
import { KafkaWire } from "../../compat/rig/wire.ts";

/** A client like any other, while others misbehave: writes a record, reads it back, and again. */
export class ServedClient {
  rounds = 0;
  longestMs = 0;
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(address: string, topic: string) {
    this.#running = this.#run(address, topic);
    this.#running.catch(() => {
      this.#stopped = true;
    });
  }

  get hasEnded(): boolean {
    return this.#stopped;
  }

  /** Rejects with what it did not get. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(address: string, topic: string): Promise<void> {
    await using wire = await KafkaWire.connect(address);
    while (!this.#stopped) {
      const startedMs = performance.now();
      await this.#round(wire, topic, `record ${this.rounds}`);
      this.longestMs = Math.max(this.longestMs, performance.now() - startedMs);
      this.rounds += 1;
    }
  }

  async #round(wire: KafkaWire, topic: string, value: string): Promise<void> {
    const records = encodeBatchSync([{ key: null, value: Buffer.from(value), timestamp: 1_767_225_600_000 }]);
    const written = await wire.ask(kafka.apis.produce, 7, {
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
    });
    const result = written.responses[0]?.partitionResponses[0];
    if (result?.errorCode !== 0) throw new Error(`A record of a well-behaved client was refused: ${JSON.stringify(written)}`);
    const read = await wire.ask(kafka.apis.fetch, 11, {
      maxWaitMs: 5_000,
      minBytes: 1,
      maxBytes: 100_000,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset: result.baseOffset, partitionMaxBytes: 100_000 }] }],
    });
    const bytes = read.responses[0]?.partitions[0]?.records;
    const text = bytes ? decodeBatchSync(bytes)[0]?.value : null;
    if (!text || Buffer.from(text).toString() !== value)
      throw new Error(`A well-behaved client read ${JSON.stringify(read)}, not ${value}`);
  }
}
