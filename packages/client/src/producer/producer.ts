import { deadline, type Timer } from "@ottla/host";
import type { Cluster } from "../connection/cluster.ts";
import { ClosedError, messageOf } from "../errors.ts";
import { orAborted } from "../connection/or-aborted.ts";
import { wholeNumber } from "../options.ts";
import { topicName, type Topic } from "../topic/topic.ts";
import type { OutgoingRecord, ProducerOptions, RecordMetadata, SendOptions } from "./api.ts";
import { toOutgoing } from "./outgoing.ts";
import { Pipeline } from "./pipeline.ts";
import { closedBefore, nothingKnown, notInTime, tooManyWait } from "./refusals.ts";
import { ManyCall, SingleCall, type SendCall } from "./send-call.ts";
import { producerSettings, type ProducerSettings } from "./settings.ts";
import { TopicQueues } from "./topic-queues.ts";

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
  readonly #queues: TopicQueues;
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
      freed: () => this.#waitingCalls > 0 && this.#queues.admit(),
      sealed: (lane) => this.#queues.known(lane.topic.name)?.placement.sealed(lane.partition),
    });
    this.#queues = new TopicQueues(cluster, this.#settings, this.#pipeline);
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
    this.#pipeline.gathering.hurry(true);
    try {
      await orAborted(this.#queues.drained(), options.signal);
    } finally {
      this.#pipeline.gathering.hurry(false);
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
      for (const queue of this.#queues) queue.refuse(Number.POSITIVE_INFINITY, () => closedBefore(queue.name));
      this.#pipeline.close(this.#queues.lanes(), `the producer was closed after ${timeoutMs} ms of flushing`);
      this.#queues.close();
      this.#onClosed();
    }
  }

  #enqueue(topic: string, call: SendCall, signal: AbortSignal | undefined): void {
    if (this.#closing !== null || this.#cluster.closing.aborted) throw new ClosedError(`send to "${topic}"`, "this producer");
    signal?.throwIfAborted();
    if (this.#waitingCalls >= MAX_WAITING_CALLS) throw tooManyWait(topic, this.#waitingCalls, this.#settings.maxBufferedBytes);
    const queue = this.#queues.of(topic);
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

  /** Runs while something is on its way. */
  #tick(): Timer {
    const { clock } = this.#cluster.host;
    const { deliveryTimeoutMs } = this.#settings;
    return clock.after(Math.min(1_000, Math.max(5, deliveryTimeoutMs / 20)), () => {
      const nowMs = clock.monotonicMs();
      const beforeMs = nowMs - deliveryTimeoutMs;
      const { metadata } = this.#cluster;
      for (const queue of this.#queues) {
        queue.refuse(beforeMs, () => {
          const why =
            queue.info === null ? nothingKnown(this.#cluster) : `the buffer of ${this.#settings.maxBufferedBytes} bytes stayed full`;
          return notInTime(queue.name, deliveryTimeoutMs, why, metadata.failure);
        });
      }
      const overdue = this.#pipeline.sweep(this.#queues.lanes(), beforeMs, nowMs - OVERDUE_MS);
      const unknown = [...this.#queues].some((queue) => queue.info === null && queue.calls.length > 0);
      if (overdue || unknown) metadata.requestRefresh();
      this.#ticker = this.#waitingCalls > 0 || this.#pipeline.gathering.bufferedBytes > 0 ? this.#tick() : null;
    });
  }
}
