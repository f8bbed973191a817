import { BATCH_HEADER_BYTES, ProtocolError } from "@ottla/protocol";
import type { Cluster } from "../connection/cluster.ts";
import { messageOf } from "../errors.ts";
import { Batch, type Delivery } from "./batch.ts";
import { encode } from "./encode.ts";
import { Identities } from "./identities.ts";
import type { Lane } from "./lane.ts";
import { Ledger } from "./ledger.ts";
import { Linger } from "./linger.ts";
import { Outcomes } from "./outcomes.ts";
import type { Outgoing } from "./outgoing.ts";
import { Pauses } from "./pauses.ts";
import { Sender } from "./sender.ts";
import type { ProducerSettings } from "./settings.ts";

export interface PipelineOptions {
  readonly cluster: Cluster;
  readonly settings: ProducerSettings;
  /** The buffer has room again. */
  readonly freed: () => void;
  /** The open batch of the lane is on its way. */
  readonly sealed: (lane: Lane) => void;
}

/** From a record in its lane to its outcome. */
export class Pipeline {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #options: PipelineOptions;
  readonly #identities: Identities;
  readonly #linger: Linger;
  readonly #senders = new Map<number, Sender>();
  readonly #pauses: Pauses;
  readonly #ledger: Ledger;
  readonly #outcomes: Outcomes;
  #closed = false;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#cluster = options.cluster;
    this.#settings = options.settings;
    this.#ledger = new Ledger(options.freed);
    const { clock, random } = options.cluster.host;
    this.#pauses = new Pauses(clock, random, (lane) => this.wake(lane));
    this.#identities = new Identities(options.cluster);
    this.#outcomes = new Outcomes({
      ...options,
      ledger: this.#ledger,
      pause: (lane) => this.#pause(lane),
      wake: (lane) => this.wake(lane),
    });
    this.#linger = new Linger(clock, options.settings.lingerMs, (lane) => this.wake(lane));
  }

  get bufferedBytes(): number {
    return this.#ledger.bufferedBytes;
  }

  room(bytes: number): boolean {
    return this.bufferedBytes === 0 || this.bufferedBytes + bytes <= this.#settings.maxBufferedBytes;
  }

  put(lane: Lane, outgoing: Outgoing, delivery: Delivery, startedMs: number): void {
    const limit = this.#settings.batchBytes - BATCH_HEADER_BYTES;
    if (lane.open !== null && lane.open.bytes + outgoing.bytes > limit) this.#seal(lane);
    const batch = lane.open ?? new Batch(startedMs);
    batch.add(outgoing, delivery, startedMs);
    this.#ledger.add(outgoing.bytes);
    if (lane.open === null) {
      lane.open = batch;
      this.#linger.add(lane, batch);
    }
    if (batch.bytes >= limit) this.#seal(lane);
  }

  /** Sends what the lane may send now, and sees to what it lacks: an identity, a leader. */
  wake(lane: Lane): void {
    if (lane.idle || this.#closed) return;
    if (lane.needsIdentity) {
      const identity = this.#identities.fresh(lane.identity);
      if (identity === null) return this.#identify(lane);
      lane.begin(identity);
    }
    const { metadata } = this.#cluster;
    const leader = metadata.partition(lane.topic.id, lane.partition)?.leader ?? -1;
    if (leader < 0 || this.#cluster.link(leader) === undefined) return metadata.requestRefresh();
    this.#sender(leader).add(lane);
  }

  /** Who leads may have changed. */
  moved(lane: Lane): void {
    const leader = this.#cluster.metadata.partition(lane.topic.id, lane.partition)?.leader ?? -1;
    // Only idempotent batches may be repeated while an answer may still come.
    if (lane.idempotent && leader >= 0 && lane.sentTo !== null && lane.sentTo !== leader) {
      lane.moved(new ProtocolError("NOT_LEADER_OR_FOLLOWER", `broker ${leader} leads it now instead of ${lane.sentTo}`));
      lane.sentTo = null;
    }
    if (leader >= 0 && lane.failedAt !== leader) this.#pauses.end(lane);
    this.wake(lane);
  }

  /** Open batches stop waiting for company, also those that come while it is on. */
  hurry(on: boolean): void {
    this.#linger.hurry(on);
  }

  /** Fails what waits since `beforeMs` or longer. Returns whether an acknowledgement has been due since `overdueMs`. */
  sweep(lanes: Iterable<Lane>, beforeMs: number, overdueMs: number): boolean {
    let overdue = false;
    for (const lane of lanes) {
      for (const batch of [...lane.batches()]) {
        if (batch.startedMs <= beforeMs) this.#outcomes.expire(lane, batch);
        else if (batch.inFlight && batch.sentMs <= overdueMs) overdue = true;
      }
      this.wake(lane);
    }
    return overdue;
  }

  /** Settles what is left and stops. */
  close(lanes: Iterable<Lane>, why: string): void {
    this.#closed = true;
    for (const lane of lanes) {
      for (const batch of [...lane.batches()]) this.#outcomes.fail(lane, batch, "REQUEST_TIMED_OUT", why, batch.inFlight, batch.lastError);
    }
    this.#linger.close();
    this.#pauses.close();
    for (const sender of this.#senders.values()) sender.close();
  }

  fail(lane: Lane, error: ProtocolError): void {
    for (const batch of [...lane.batches()]) this.#outcomes.fail(lane, batch, error.error, error.message, batch.inFlight, error);
  }

  #seal(lane: Lane): void {
    lane.seal();
    this.#options.sealed(lane);
    this.wake(lane);
  }

  #sender(nodeId: number): Sender {
    const known = this.#senders.get(nodeId);
    if (known !== undefined) return known;
    const sender = new Sender({
      clock: this.#cluster.host.clock,
      nodeId,
      link: () => this.#cluster.link(nodeId),
      acks: this.#settings.acks,
      timeoutMs: Math.min(this.#cluster.requestTimeoutMs, this.#settings.deliveryTimeoutMs),
      take: (lane) => this.#take(lane, nodeId),
      answered: (sent, answer, link) => this.#outcomes.answered(sent, answer, link),
      failed: (sent, error) => this.#outcomes.broken(sent, error),
      unreachable: (lanes) => this.#unreachable(lanes, nodeId),
    });
    this.#senders.set(nodeId, sender);
    return sender;
  }

  #take(lane: Lane, nodeId: number): Batch | null {
    if (this.#cluster.metadata.partition(lane.topic.id, lane.partition)?.leader !== nodeId) {
      this.wake(lane);
      return null;
    }
    for (;;) {
      const hadOpen = lane.open !== null;
      const batch = lane.take(this.#cluster.host.clock.monotonicMs());
      if (hadOpen && lane.open === null) this.#options.sealed(lane);
      if (batch === null || batch.encoded !== null) return batch;
      this.#encode(lane, batch);
      if (batch.encoded !== null && !batch.settled) return batch;
    }
  }

  #encode(lane: Lane, batch: Batch): void {
    const failed = (error: unknown): void =>
      this.#outcomes.fail(lane, batch, error instanceof ProtocolError ? error.error : "INVALID_RECORD", messageOf(error), false, error);
    try {
      encode(batch, lane.identity, this.#settings.compression, this.#cluster.host.codecs)?.then(() => this.wake(lane), failed);
    } catch (error) {
      failed(error);
    }
  }

  #unreachable(lanes: readonly Lane[], nodeId: number): void {
    const { metadata } = this.#cluster;
    metadata.requestRefresh();
    for (const lane of lanes) {
      const leader = metadata.partition(lane.topic.id, lane.partition)?.leader ?? -1;
      // Somebody else leads by now, who is asked already.
      if (leader >= 0 && leader !== nodeId) {
        this.wake(lane);
        continue;
      }
      const failure = this.#cluster.link(leader)?.failure ?? null;
      for (const batch of lane.batches()) batch.lastError = failure ?? batch.lastError;
      this.#pause(lane);
    }
  }

  #pause(lane: Lane): void {
    lane.failedAt = this.#cluster.metadata.partition(lane.topic.id, lane.partition)?.leader ?? -1;
    if (!this.#closed) this.#pauses.add(lane);
  }

  #identify(lane: Lane): void {
    if (lane.identifying) return;
    lane.identifying = true;
    this.#identities.ask().then(
      () => {
        lane.identifying = false;
        this.wake(lane);
      },
      (error: unknown) => {
        lane.identifying = false;
        if (this.#closed) return;
        if (error instanceof ProtocolError && !error.retriable) this.fail(lane, error);
        for (const batch of lane.batches()) batch.lastError = error instanceof ProtocolError ? error : batch.lastError;
        this.#pause(lane);
      },
    );
  }
}
