import { ProtocolError } from "@ottla/protocol";
import type { Cluster } from "../connection/cluster.ts";
import { messageOf } from "../errors.ts";
import type { Batch } from "./batch.ts";
import { encode } from "./encode.ts";
import { Gathering } from "./gathering.ts";
import { Identities } from "./identities.ts";
import { Introductions } from "./introductions.ts";
import type { Lane } from "./lane.ts";
import { Ledger } from "./ledger.ts";
import { Outcomes } from "./outcomes.ts";
import { Pauses } from "./pauses.ts";
import type { SenderOptions } from "./sender.ts";
import { Senders } from "./senders.ts";
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
  /** Where records come in. */
  readonly gathering: Gathering;
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #options: PipelineOptions;
  readonly #introductions: Introductions;
  readonly #senders: Senders;
  readonly #pauses: Pauses;
  readonly #outcomes: Outcomes;
  #closed = false;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#cluster = options.cluster;
    this.#settings = options.settings;
    const ledger = new Ledger(options.freed);
    const { clock, random } = options.cluster.host;
    this.#pauses = new Pauses(clock, random, (lane) => this.wake(lane));
    this.#introductions = new Introductions({
      identities: new Identities(options.cluster),
      ready: (lane) => this.wake(lane),
      failed: (lane, error) => this.#nameless(lane, error),
    });
    this.#senders = new Senders((nodeId) => this.#senderOptions(nodeId));
    this.#outcomes = new Outcomes({
      ...options,
      ledger,
      pause: (lane) => this.#pause(lane),
      wake: (lane) => this.wake(lane),
    });
    this.gathering = new Gathering({
      clock,
      settings: options.settings,
      ledger,
      sealed: (lane) => {
        options.sealed(lane);
        this.wake(lane);
      },
      due: (lane) => this.wake(lane),
    });
  }

  /** Sends what the lane may send now, and sees to what it lacks: an identity, a leader. */
  wake(lane: Lane): void {
    if (lane.idle || this.#closed) return;
    if (lane.needsIdentity && !this.#introductions.introduce(lane)) return;
    const { metadata } = this.#cluster;
    const leader = metadata.partition(lane.topic.id, lane.partition)?.leader ?? -1;
    if (leader < 0 || this.#cluster.link(leader) === undefined) return metadata.requestRefresh();
    this.#senders.to(leader).add(lane);
  }

  /** Who leads may have changed. */
  moved(lane: Lane): void {
    const leader = this.#cluster.metadata.partition(lane.topic.id, lane.partition)?.leader ?? -1;
    // Only idempotent batches may be repeated while an answer may still come.
    if (lane.idempotent && leader >= 0 && lane.sentTo !== null && lane.sentTo !== leader) {
      lane.moved(new ProtocolError("NOT_LEADER_OR_FOLLOWER", `broker ${leader} leads it now instead of ${lane.sentTo}`));
      lane.sentTo = null;
    }
    const leadership = this.#cluster.metadata.leadership(lane.topic.id, lane.partition);
    if (leadership !== null && lane.failedUnder !== leadership) this.#pauses.end(lane);
    this.wake(lane);
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
    this.gathering.close();
    this.#pauses.close();
    this.#senders.close();
  }

  fail(lane: Lane, error: ProtocolError): void {
    for (const batch of [...lane.batches()]) this.#outcomes.fail(lane, batch, error.error, error.message, batch.inFlight, error);
  }

  #senderOptions(nodeId: number): SenderOptions {
    return {
      clock: this.#cluster.host.clock,
      nodeId,
      link: () => this.#cluster.link(nodeId),
      acks: this.#settings.acks,
      timeoutMs: Math.min(this.#cluster.requestTimeoutMs, this.#settings.deliveryTimeoutMs),
      take: (lane) => this.#take(lane, nodeId),
      answered: (sent, answer, link) => this.#outcomes.answered(sent, answer, link),
      failed: (sent, error) => this.#outcomes.broken(sent, error),
      unreachable: (lanes) => this.#unreachable(lanes, nodeId),
    };
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
    lane.failedUnder = this.#cluster.metadata.leadership(lane.topic.id, lane.partition);
    if (!this.#closed) this.#pauses.add(lane);
  }

  #nameless(lane: Lane, error: unknown): void {
    if (this.#closed) return;
    if (error instanceof ProtocolError && !error.retriable) this.fail(lane, error);
    for (const batch of lane.batches()) batch.lastError = error instanceof ProtocolError ? error : batch.lastError;
    this.#pause(lane);
  }
}
