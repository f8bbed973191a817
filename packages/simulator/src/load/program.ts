import { Ottla, type Producer } from "@ottla/client";
import { delay, type Host, type Random } from "@ottla/host";
import type { Recorder } from "../history/recorder.ts";
import type { Trace } from "../trace.ts";

export interface ProgramOptions {
  readonly name: string;
  readonly host: Host;
  readonly bootstrap: readonly string[];
  readonly random: Random;
  readonly recorder: Recorder;
  readonly trace: Trace;
  readonly topic: string;
  readonly partitions: number;
  readonly paceMs: number;
  /** An acknowledgement has come. */
  onAcknowledged(partition: number, offset: number, invokedMs: number): void;
  /** The entry of the controllers' log that made a setting. */
  indexOf(setting: string): number | undefined;
  /** The newest leader epoch of the partition. */
  epochOf(partition: number): number;
  /** A committed offset was acknowledged, a record was handed out. */
  onRead(partition: number, offset: number): void;
}

/** Of those who read. */
export const GROUP = "readers";

/** One program that sends, reads and commits, as an application does; every question and answer is recorded. */
export class Program {
  readonly #options: ProgramOptions;
  readonly #ottla: Ottla;
  readonly #running: Promise<void>[] = [];
  readonly #stop = new AbortController();
  /** What came out as an error although nothing was refused for good; by text, with how often. */
  readonly errors = new Map<string, number>();
  #inFlight = 0;

  constructor(options: ProgramOptions) {
    this.#options = options;
    const { host, bootstrap, name, trace } = options;
    this.#ottla = new Ottla({ host, bootstrap, clientId: name, logger: trace.logger(name), requestTimeoutMs: 10_000 });
  }

  start({ reads, commits }: { reads: boolean; commits: boolean }): void {
    this.#running.push(this.#produce());
    if (reads) this.#running.push(this.#read());
    if (commits) this.#running.push(this.#commit(), this.#look(), this.#alter());
  }

  /** Ends sending and waits for every outcome. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
    await this.#ottla.close();
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #produce(): Promise<void> {
    const { random, host, paceMs, partitions, name } = this.#options;
    const producer = this.#ottla.producer({ lingerMs: 2, deliveryTimeoutMs: 120_000 });
    let sequence = 0;
    while (!this.#stopped) {
      const burst = 1 + random.below(4);
      for (let count = 0; count < burst && this.#inFlight < 200; count += 1) {
        this.#inFlight += 1;
        void this.#send(producer, `${name}-${sequence}`, sequence, random.below(partitions)).finally(() => (this.#inFlight -= 1));
        sequence += 1;
      }
      await delay(host.clock, (paceMs * (50 + random.below(100))) / 100);
    }
    await producer.close();
  }

  async #send(producer: Producer, value: string, sequence: number, partition: number): Promise<void> {
    const { recorder, topic, name, onAcknowledged, epochOf, random, host } = this.#options;
    const number = recorder.partition(topic, partition);
    const text = value.padEnd(20 + random.below(100), ".");
    const invokedMs = host.clock.monotonicMs();
    const settle = recorder.send(name, sequence, number, text);
    try {
      const { offset } = await producer.send(topic, { value: text, partition });
      settle("ok", offset, epochOf(number));
      onAcknowledged(number, offset, invokedMs);
    } catch (error) {
      this.#failed("send", error);
      settle(certainlyNotAppended(error) ? "fail" : "unknown", -1);
    }
  }

  /** Reads everything, begins anew at what was committed now and then. */
  async #read(): Promise<void> {
    const { recorder, topic, name, random, host, onRead } = this.#options;
    for (let assignment = 1; !this.#stopped; assignment += 1) {
      const consumer = this.#ottla.consumer({
        assign: [topic],
        group: GROUP,
        offsetReset: "earliest",
        autoCommit: true,
        signal: this.#stop.signal,
      });
      try {
        const endAtMs = host.clock.monotonicMs() + 5_000 + random.below(20_000);
        for await (const batch of consumer.batches()) {
          const partition = recorder.partition(topic, batch.partition);
          for (const { offset, value } of batch.records) {
            onRead(partition, offset);
            recorder.read({ reader: name, assignment, partition, offset, value: value === null ? "" : Buffer.from(value).toString() });
          }
          if (host.clock.monotonicMs() > endAtMs) break;
        }
      } catch (error) {
        this.#failed("read", error);
        await delay(host.clock, 200);
      } finally {
        await consumer.close().catch((error: unknown) => this.#failed("close the consumer", error));
      }
    }
  }

  /** Commits rising offsets to a group of its own, and reads them back. */
  async #commit(): Promise<void> {
    const { recorder, topic, name, random, host, partitions } = this.#options;
    const admin = this.#ottla.admin();
    for (let offset = 1; !this.#stopped; offset += 1) {
      const partition = random.below(partitions);
      const number = recorder.partition(topic, partition);
      const commit = recorder.commit("commit", name, number, offset);
      try {
        await admin.commitGroupOffsets(name, [{ topic, partition, offset }]);
        commit("ok", offset);
      } catch (error) {
        this.#failed("commit", error);
        commit("unknown", offset);
      }
      await delay(host.clock, 150 + random.below(300));
      const fetch = recorder.commit("committed", name, number, -1);
      try {
        const [found] = await admin.fetchGroupOffsets(name, [{ topic, partition }]);
        fetch("ok", found?.offset ?? -1);
      } catch (error) {
        this.#failed("fetch a commit", error);
        fetch("unknown", -1);
      }
    }
  }

  /** Asks where partitions end. */
  async #look(): Promise<void> {
    const { recorder, topic, random, host, partitions } = this.#options;
    const admin = this.#ottla.admin();
    while (!this.#stopped) {
      await delay(host.clock, 300 + random.below(700));
      const partition = random.below(partitions);
      const invokedMs = recorder.now();
      try {
        const [found] = await admin.listOffsets([{ topic, partition, at: "latest" }]);
        if (found !== undefined) recorder.latest(recorder.partition(topic, partition), invokedMs, found);
      } catch (error) {
        this.#failed("list offsets", error);
      }
    }
  }

  /** Changes a setting of the topic, each time to a value of its own. */
  async #alter(): Promise<void> {
    const { recorder, topic, random, host, indexOf } = this.#options;
    const admin = this.#ottla.admin();
    for (let value = 1_000_000_000; !this.#stopped; value += 1) {
      await delay(host.clock, 1_000 + random.below(3_000));
      const invokedMs = recorder.now();
      try {
        await admin.alterConfigs([{ resource: { topic }, set: { "retention.ms": String(value) } }]);
        const index = indexOf(`retention.ms=${value}`);
        if (index === undefined) throw new Error(`retention.ms=${value} was acknowledged and no controller has replayed it`);
        recorder.changed(`${topic} retention.ms`, String(value), index, invokedMs);
      } catch (error) {
        this.#failed("alter a setting", error);
      }
    }
  }

  #failed(what: string, error: unknown): void {
    const text = `${what}: ${error instanceof Error ? error.message : String(error)}`;
    this.errors.set(text, (this.errors.get(text) ?? 0) + 1);
    this.#options.trace.logger(this.#options.name).warn({ err: error }, `Could not ${what}`);
  }
}

export function certainlyNotAppended(error: unknown): boolean {
  return error instanceof Error && "outcome" in error && error.outcome === "not-appended";
}
