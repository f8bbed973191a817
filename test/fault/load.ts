import { setTimeout as delay } from "node:timers/promises";
import { Ottla, type Producer } from "@ottla/client";
import type { Commit, Drain, Event, Send } from "@ottla/simulator";

/** Sends without pause, several in flight on every partition, and keeps what the checker needs to know of each. */
export class Load implements AsyncDisposable {
  readonly events: Event[] = [];
  readonly #ottla: Ottla;
  readonly topic: string;
  readonly #partitions: number;
  readonly #running: Promise<void>[] = [];
  readonly #reading = new AbortController();
  #stopped = false;
  #inFlight = 0;
  #acknowledged = 0;
  #lastAckMs = 0;
  #longestGapMs = 0;
  #onProgress = (): void => {};
  /** What ended a part of the load: it must bear everything. */
  #failure: Error | undefined;

  constructor(bootstrap: readonly string[], topic: string, partitions: number) {
    this.#ottla = new Ottla({ bootstrap, clientId: "fault-load", requestTimeoutMs: 5_000 });
    this.topic = topic;
    this.#partitions = partitions;
  }

  get ottla(): Ottla {
    return this.#ottla;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** @param perSecond how many sends each producer begins at most, so that a long history fits into memory */
  start(producers: number, maxInFlight: number, perSecond = Infinity): void {
    for (let at = 0; at < producers; at += 1) this.#running.push(this.#produce(`p${at}`, maxInFlight, perSecond));
    this.#running.push(this.#commit("fault-group"), this.#read("r0"));
    for (const part of this.#running)
      part.catch((error: Error) => {
        this.#failure ??= error;
        this.#onProgress();
      });
  }

  /** The longest time without any acknowledgement since it was asked last. */
  takeLongestGapMs(): number {
    const gap = this.#longestGapMs;
    this.#longestGapMs = 0;
    this.#lastAckMs = performance.now();
    return gap;
  }

  /** A fault with nothing in flight proves little. */
  async someInFlight(): Promise<void> {
    while (this.#inFlight === 0 && !this.#failure) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Resolves once so many more sends have been acknowledged. */
  async progress(sends: number): Promise<void> {
    const goal = this.#acknowledged + sends;
    while (this.#acknowledged < goal && !this.#failure) await new Promise<void>((resolve) => (this.#onProgress = resolve));
    if (this.#failure) throw this.#failure;
  }

  /** Ends sending and waits for every outcome. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#reading.abort();
    await Promise.all(this.#running);
  }

  /** Everything there is, read to the end. */
  async drain(): Promise<Drain[]> {
    const partitions = Array.from({ length: this.#partitions }, (_, partition) => ({ topic: this.topic, partition }));
    const admin = this.#ottla.admin();
    const [starts, ends] = await Promise.all([
      admin.listOffsets(partitions.map((one) => ({ ...one, at: "earliest" as const }))),
      admin.listOffsets(partitions.map((one) => ({ ...one, at: "latest" as const }))),
    ]);
    const drains = partitions.map(({ partition }, at) => ({
      partition,
      startOffset: starts[at]!.offset,
      endOffset: ends[at]!.offset,
      records: [] as { offset: number; value: string }[],
    }));
    await using consumer = this.#ottla.consumer({ assign: [{ topic: this.topic, offset: "beginning" }], until: "end" });
    for await (const batch of consumer.batches())
      for (const { offset, value } of batch.records)
        drains[batch.partition]!.records.push({ offset, value: value === null ? "" : Buffer.from(value).toString() });
    return drains;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#reading.abort();
    await this.#ottla.close();
  }

  async #produce(name: string, maxInFlight: number, perSecond: number): Promise<void> {
    await using producer = this.#ottla.producer({ lingerMs: 1, deliveryTimeoutMs: 120_000 });
    let mine = 0;
    let wake = (): void => {};
    const startedMs = performance.now();
    for (let sequence = 0; !this.#stopped; sequence += 1) {
      const aheadMs = (sequence / perSecond) * 1000 - (performance.now() - startedMs);
      if (aheadMs > 20) await delay(aheadMs);
      while (mine >= maxInFlight) await new Promise<void>((resolve) => (wake = resolve));
      mine += 1;
      void this.#send(producer, name, sequence).then(() => {
        mine -= 1;
        wake();
      });
    }
    while (mine > 0) await new Promise<void>((resolve) => (wake = resolve));
  }

  async #send(producer: Producer, name: string, sequence: number): Promise<void> {
    const partition = sequence % this.#partitions;
    const base = { kind: "send" as const, producer: name, sequence, partition, value: `${name}-${sequence}`, invokedMs: performance.now() };
    this.#inFlight += 1;
    const settled = (outcome: Send["outcome"], offset: number): void => {
      this.#inFlight -= 1;
      this.events.push({ ...base, completedMs: performance.now(), outcome, offset });
    };
    try {
      const { offset } = await producer.send(this.topic, { value: base.value, partition });
      settled("ok", offset);
      this.#acknowledged += 1;
      const nowMs = performance.now();
      if (this.#lastAckMs > 0) this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#lastAckMs);
      this.#lastAckMs = nowMs;
      this.#onProgress();
    } catch (error) {
      settled(certainlyNotAppended(error) ? "fail" : "unknown", -1);
    }
  }

  /** Follows every partition from its beginning, through whatever happens. */
  async #read(reader: string): Promise<void> {
    await using consumer = this.#ottla.consumer({ assign: [{ topic: this.topic, offset: "beginning" }], signal: this.#reading.signal });
    for await (const batch of consumer.batches())
      for (const { offset, value } of batch.records)
        this.events.push({
          kind: "read",
          reader,
          assignment: 0,
          partition: batch.partition,
          offset,
          value: value === null ? "" : Buffer.from(value).toString(),
        });
  }

  /** Commits rising offsets and reads them back, one after the other. */
  async #commit(group: string): Promise<void> {
    const admin = this.#ottla.admin();
    for (let offset = 1; !this.#stopped; offset += 1) {
      const partition = { topic: this.topic, partition: 0 };
      await this.#observe("commit", group, offset, async () => {
        await admin.commitGroupOffsets(group, [{ ...partition, offset }]);
        return offset;
      });
      await this.#observe("committed", group, -1, async () => (await admin.fetchGroupOffsets(group, [partition]))[0]?.offset ?? -1);
    }
  }

  /** @param attempted what may have been committed although nobody answered */
  async #observe(kind: Commit["kind"], group: string, attempted: number, work: () => Promise<number>): Promise<void> {
    const invokedMs = performance.now();
    try {
      this.events.push({ kind, group, partition: 0, offset: await work(), invokedMs, completedMs: performance.now(), outcome: "ok" });
    } catch {
      if (kind === "committed") return;
      this.events.push({
        kind,
        group,
        partition: 0,
        offset: attempted,
        invokedMs,
        completedMs: Number.POSITIVE_INFINITY,
        outcome: "unknown",
      });
    }
  }
}

function certainlyNotAppended(error: unknown): boolean {
  return error instanceof Error && "outcome" in error && error.outcome === "not-appended";
}
