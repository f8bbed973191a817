import { deadline, type Timer } from "@ottla/host";
import type { Cluster } from "../connection/cluster.ts";
import { ClosedError, messageOf } from "../errors.ts";
import { orAborted } from "../connection/or-aborted.ts";
import { wholeNumber } from "../options.ts";
import { topicName, type Topic } from "../topic/topic.ts";
import type { OutgoingRecord, ProducerOptions, RecordMetadata, SendOptions } from "./api.ts";
import type { Lane } from "./lane.ts";
import { toOutgoing } from "./outgoing.ts";
import { Placement } from "./partitioner.ts";
import { Pipeline } from "./pipeline.ts";
import { allSettled } from "./ledger.ts";
import { closedBefore, nothingKnown, notInTime, refused, tooManyWait } from "./refusals.ts";
import { ManyCall, SingleCall, type SendCall } from "./send-call.ts";
import { producerSettings, type ProducerSettings } from "./settings.ts";
import { TopicQueue } from "./topic-queue.ts";

const MAX_WAITING_CALLS = 1_000_000;
const CLOSE_TIMEOUT_MS = 30_000;
/** An acknowledgement that takes longer makes us ask whether somebody else leads by now. */
const OVERDUE_MS = 1_000;

/** Sends records. Made by {@link Ottla.producer}; share one, it gathers records of all its users into batches.
 *
 * Every error that may pass is retried until `deliveryTimeoutMs`; what a promise rejects with is a {@link ProduceError} whose `outcome`
 * tells whether the record is certainly not in the log. Records of one partition keep the order of the calls. */
export class Producer implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #pipeline: Pipeline;
  readonly #queues = new Map<string, TopicQueue>();
  readonly #endings: (() => void)[] = [];
  readonly #onClosed: () => void;
  #waitingCalls = 0;
  #ticker: Timer | null = null;
  #closing: Promise<void> | null = null;

  /** @internal */
  constructor(cluster: Cluster, options: ProducerOptions, onClosed: (producer: Producer) => void) {
    this.#cluster = cluster;
    this.#settings = producerSettings(options);
    this.#onClosed = () => onClosed(this);
    this.#pipeline = new Pipeline({
      cluster,
      settings: this.#settings,
      freed: () => this.#waitingCalls > 0 && this.#admitWaiting(),
      sealed: (lane) => this.#queues.get(lane.topic.name)?.placement.sealed(lane.partition),
    });
    this.#endings.push(cluster.metadata.onChange(() => this.#metadataChanged()));
  }

  /** Resolves once the record is acknowledged as `acks` asks. While the buffer is full it waits, so await it or bound how many you have open.
   * @throws ProduceError (as a rejection); OptionError for a record that cannot be sent; the reason of the signal */
  send<V, K>(topic: Topic<V, K>, record: OutgoingRecord<V, K>, options?: SendOptions): Promise<RecordMetadata>;
  send(topic: string, record: OutgoingRecord, options?: SendOptions): Promise<RecordMetadata>;
  send(
    topic: string | Topic<unknown, unknown>,
    record: OutgoingRecord<unknown, unknown>,
    options: SendOptions = {},
  ): Promise<RecordMetadata> {
    return new Promise((resolve, reject) => {
      const { clock } = this.#cluster.host;
      this.#enqueue(
        topicName(topic),
        new SingleCall(toOutgoing(topic, record, clock.wallMs()), clock.monotonicMs(), resolve, reject),
        options.signal,
      );
    });
  }

  /** As {@link send} for many records with one promise, which settles once each has its outcome.
   * @throws SendAllError with the outcome of each record if one was not acknowledged */
  sendAll<V, K>(topic: Topic<V, K>, records: readonly OutgoingRecord<V, K>[], options?: SendOptions): Promise<RecordMetadata[]>;
  sendAll(topic: string, records: readonly OutgoingRecord[], options?: SendOptions): Promise<RecordMetadata[]>;
  sendAll(
    topic: string | Topic<unknown, unknown>,
    records: readonly OutgoingRecord<unknown, unknown>[],
    options: SendOptions = {},
  ): Promise<RecordMetadata[]> {
    return new Promise((resolve, reject) => {
      const { clock } = this.#cluster.host;
      const nowMs = clock.wallMs();
      const outgoing = records.map((record) => toOutgoing(topic, record, nowMs));
      if (outgoing.length === 0) return resolve([]);
      this.#enqueue(topicName(topic), new ManyCall(topicName(topic), outgoing, clock.monotonicMs(), resolve, reject), options.signal);
    });
  }

  /** Resolves once everything sent before has its outcome, good or bad. Nothing waits for company meanwhile. */
  async flush(options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#pipeline.hurry(true);
    try {
      await orAborted(this.#drained(), options.signal);
    } finally {
      this.#pipeline.hurry(false);
    }
  }

  /** Flushes for at most `timeoutMs` (30 000), then fails what is left. */
  close(options: { timeoutMs?: number } = {}): Promise<void> {
    const timeoutMs = wholeNumber("timeoutMs", options.timeoutMs, CLOSE_TIMEOUT_MS, { least: 0, most: 86_400_000, unit: "ms" });
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(timeoutMs: number): Promise<void> {
    const limit = deadline(this.#cluster.host.clock, timeoutMs, "Flushing the producer", this.#cluster.closing);
    try {
      await this.flush({ signal: limit.signal });
    } catch (error) {
      this.#cluster.logger.warn({ error: messageOf(error) }, "the producer is closed before everything was acknowledged");
    } finally {
      limit.cancel();
      this.#ticker?.cancel();
      for (const queue of this.#queues.values()) queue.refuse(Number.POSITIVE_INFINITY, () => closedBefore(queue.name));
      this.#pipeline.close(this.#lanes(), `the producer was closed after ${timeoutMs} ms of flushing`);
      for (const end of this.#endings) end();
      this.#onClosed();
    }
  }

  #enqueue(topic: string, call: SendCall, signal: AbortSignal | undefined): void {
    if (this.#closing !== null || this.#cluster.closing.aborted) throw new ClosedError(`send to "${topic}"`, "this producer");
    signal?.throwIfAborted();
    if (this.#waitingCalls >= MAX_WAITING_CALLS) throw tooManyWait(topic, this.#waitingCalls, this.#settings.maxBufferedBytes);
    const queue = this.#queue(topic);
    this.#ticker ??= this.#tick();
    if (queue.add(call)) return;
    this.#waitingCalls++;
    const onAbort = (): void => {
      queue.remove(call);
      call.refuse(signal?.reason);
      call.admitted?.();
    };
    call.admitted = () => {
      call.admitted = null;
      this.#waitingCalls--;
      signal?.removeEventListener("abort", onAbort);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    // It may have been created since; if not, the answer refuses what waits.
    if (queue.info === null) this.#cluster.metadata.requestRefresh();
  }

  #queue(name: string): TopicQueue {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const { partitioner, idempotent } = this.#settings;
    const queue = new TopicQueue(name, {
      placement: new Placement(partitioner, this.#cluster.host.random.below(1 << 16)),
      idempotent,
      room: (bytes) => this.#pipeline.room(bytes),
      put: (lane, outgoing, delivery, startedMs) => this.#pipeline.put(lane, outgoing, delivery, startedMs),
    });
    this.#queues.set(name, queue);
    this.#endings.push(this.#cluster.metadata.watch(name, true));
    const info = this.#cluster.metadata.topic(name);
    if (info !== undefined) queue.learn(info);
    return queue;
  }

  #metadataChanged(): void {
    const { metadata } = this.#cluster;
    for (const queue of this.#queues.values()) {
      const verdict = metadata.verdict(queue.name);
      const info = metadata.topic(queue.name);
      if (verdict !== null) {
        queue.refuse(Number.POSITIVE_INFINITY, () => refused(queue.name, verdict));
        for (const lane of queue.lanes) this.#pipeline.fail(lane, verdict);
      } else if (info !== undefined) {
        queue.learn(info);
        for (const lane of queue.lanes) this.#pipeline.moved(lane);
      }
    }
  }

  #admitWaiting(): void {
    for (const queue of this.#queues.values()) if (queue.calls.length > 0) queue.admit();
  }

  /** Runs while something is on its way. */
  #tick(): Timer {
    const { clock } = this.#cluster.host;
    const { deliveryTimeoutMs } = this.#settings;
    return clock.after(Math.min(1_000, Math.max(5, deliveryTimeoutMs / 20)), () => {
      const nowMs = clock.monotonicMs();
      const beforeMs = nowMs - deliveryTimeoutMs;
      const { metadata } = this.#cluster;
      for (const queue of this.#queues.values()) {
        queue.refuse(beforeMs, () => {
          const why =
            queue.info === null ? nothingKnown(this.#cluster) : `the buffer of ${this.#settings.maxBufferedBytes} bytes stayed full`;
          return notInTime(queue.name, deliveryTimeoutMs, why, metadata.failure);
        });
      }
      const overdue = this.#pipeline.sweep(this.#lanes(), beforeMs, nowMs - OVERDUE_MS);
      const unknown = [...this.#queues.values()].some((queue) => queue.info === null && queue.calls.length > 0);
      if (overdue || unknown) metadata.requestRefresh();
      this.#ticker = this.#waitingCalls > 0 || this.#pipeline.bufferedBytes > 0 ? this.#tick() : null;
    });
  }

  *#lanes(): Generator<Lane> {
    for (const queue of this.#queues.values()) yield* queue.lanes;
  }

  /** First everything that waits for room finds it, then all batches are settled. */
  async #drained(): Promise<void> {
    const calls = [...this.#queues.values()].flatMap((queue) => [...queue.calls]);
    const admissions = calls.map((call) => {
      const { admitted } = call;
      return new Promise<void>((resolve) => {
        call.admitted = () => {
          admitted?.();
          resolve();
        };
      });
    });
    await Promise.all(admissions);
    await allSettled(this.#lanes());
  }
}
