import type { pb } from "@ottla/protocol";
import { BATCH_HEADER_BYTES, ProtocolError, type ErrorName } from "@ottla/protocol";
import type { Cluster } from "../connection/cluster.ts";
import type { Link } from "../connection/link.ts";
import { messageOf, type ConnectionError } from "../errors.ts";
import { Batch, type Delivery } from "./batch.ts";
import { encode } from "./encode.ts";
import { Identities } from "./identities.ts";
import type { Lane } from "./lane.ts";
import { Ledger } from "./ledger.ts";
import { Linger } from "./linger.ts";
import type { Outgoing } from "./outgoing.ts";
import { Pauses } from "./pauses.ts";
import { Sender, type Try } from "./sender.ts";
import type { ProducerSettings } from "./settings.ts";
import { answeredError, verdict } from "./verdict.ts";

/** No broker takes only smaller messages. */
const SURELY_TAKEN_BYTES = 1024 * 1024;

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
  #closed = false;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#cluster = options.cluster;
    this.#settings = options.settings;
    this.#ledger = new Ledger(options.freed);
    const { clock, random } = options.cluster.host;
    this.#pauses = new Pauses(clock, random, (lane) => this.wake(lane));
    this.#identities = new Identities(options.cluster);
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
        if (batch.startedMs <= beforeMs) this.#expire(lane, batch);
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
      for (const batch of [...lane.batches()]) this.#fail(lane, batch, "REQUEST_TIMED_OUT", why, batch.inFlight, batch.lastError);
    }
    this.#linger.close();
    this.#pauses.close();
    for (const sender of this.#senders.values()) sender.close();
  }

  fail(lane: Lane, error: ProtocolError): void {
    for (const batch of [...lane.batches()]) this.#fail(lane, batch, error.error, error.message, batch.inFlight, error);
  }

  #expire(lane: Lane, batch: Batch): void {
    const last = batch.lastError ?? this.#cluster.metadata.failure;
    const why = `not acknowledged within ${this.#settings.deliveryTimeoutMs} ms (deliveryTimeoutMs)${last === null ? "" : `; last: ${messageOf(last)}`}`;
    this.#fail(lane, batch, last instanceof ProtocolError ? last.error : "REQUEST_TIMED_OUT", why, batch.inFlight, last);
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
      answered: (sent, answer, link) => this.#answered(sent, answer, link),
      failed: (sent, error) => this.#broken(sent, error),
      unreachable: (lanes) => this.#unreachable(lanes),
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
      this.#fail(lane, batch, error instanceof ProtocolError ? error.error : "INVALID_RECORD", messageOf(error), false, error);
    try {
      encode(batch, lane.identity, this.#settings.compression, this.#cluster.host.codecs)?.then(() => this.wake(lane), failed);
    } catch (error) {
      failed(error);
    }
  }

  #answered({ lane, batch, attempt }: Try, answer: pb.ProducedPartition, link: Link): void {
    if (batch.settled || batch.attempt !== attempt) return;
    batch.inFlight = false;
    const outcome = verdict(answer, batch);
    if (outcome === "done") return this.#deliver(lane, batch, answer.baseOffset, answer.logAppendTimeMs);
    if (outcome === "done-elsewhere") return this.#deliver(lane, batch, -1, -1);
    const error = answeredError(answer, link.label);
    if (outcome === "failed") return this.#fail(lane, batch, error.error, error.message, !answer.notAppended, error);
    if (outcome === "split") {
      lane.replace(batch, batch.split());
      batch.settled = true;
    } else if (outcome === "out-of-order") {
      const explained = lane.outOfOrder(batch, error);
      if (!explained) {
        this.#cluster.logger.warn(
          { topic: lane.topic.name, partition: lane.partition, error: error.message },
          "the broker misses earlier records of this producer; going on under a fresh producer id",
        );
        this.#pause(lane);
      }
    } else {
      lane.again(batch, error, !answer.notAppended);
      this.#pause(lane);
      if (outcome === "elsewhere") this.#cluster.metadata.hint(lane.topic.id, lane.partition, answer.leader);
    }
    this.wake(lane);
  }

  #broken({ lane, batch, attempt }: Try, error: ConnectionError): void {
    if (batch.settled || batch.attempt !== attempt) return;
    // A message above the broker's limit ends the stream: sent again, a large batch would end it again.
    if (error.sent && error.reason === "RESOURCE_EXHAUSTED" && batch.bytes > SURELY_TAKEN_BYTES) {
      const why = `${error.message}; lower batchBytes, or raise the broker's grpc.max.message.bytes`;
      return this.#fail(lane, batch, "MESSAGE_TOO_LARGE", why, true, error);
    }
    lane.again(batch, error, error.sent);
    this.wake(lane);
  }

  #unreachable(lanes: readonly Lane[]): void {
    const { metadata } = this.#cluster;
    metadata.requestRefresh();
    for (const lane of lanes) {
      const leader = metadata.partition(lane.topic.id, lane.partition)?.leader ?? -1;
      const failure = this.#cluster.link(leader)?.failure ?? null;
      for (const batch of lane.batches()) batch.lastError = failure ?? batch.lastError;
      this.#pause(lane);
    }
  }

  #pause(lane: Lane): void {
    if (!this.#closed) this.#pauses.add(lane);
  }

  #deliver(lane: Lane, batch: Batch, baseOffset: number, appendTimeMs: number): void {
    this.#ledger.deliver(lane, batch, baseOffset, appendTimeMs);
    this.wake(lane);
  }

  #fail(lane: Lane, batch: Batch, error: ErrorName, why: string, uncertain: boolean, cause: unknown): void {
    this.#ledger.fail(lane, batch, error, why, uncertain, cause);
    this.wake(lane);
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
