import type { Log } from "@ottla/log";
import type { TopicSettings, Uuid } from "@ottla/protocol";
import type { TopicTraffic } from "../metrics/traffic.ts";
import type { ProducerLedger } from "./producer-ledger.ts";
import type { PartitionId, PartitionSurroundings, Reader } from "./surroundings.ts";

/** What a partition on this broker is, whichever role it has: its log, what is known of its producers, and up to where it is committed. */
export class Replica {
  readonly topicId: Uuid;
  readonly index: number;
  readonly log: Log;
  readonly producers: ProducerLedger;
  readonly around: PartitionSurroundings;
  readonly readers = new Set<Reader>();
  topicName: string;
  settings: TopicSettings;
  traffic: TopicTraffic;
  #highWatermark: number;

  constructor(id: PartitionId, around: PartitionSurroundings, log: Log, producers: ProducerLedger) {
    this.topicId = id.topicId;
    this.index = id.index;
    this.log = log;
    this.producers = producers;
    this.around = around;
    this.topicName = id.topicName;
    this.settings = id.settings;
    this.traffic = id.traffic;
    // What has been deleted was committed; the rest is told by the leader, or found out by leading.
    this.#highWatermark = log.startOffset;
  }

  /** For people. */
  get name(): string {
    return `partition ${this.index} of topic ${this.topicName}`;
  }

  /** Exclusive. Falls only with a log that was cut below it, which loses what was committed. */
  get highWatermark(): number {
    return this.#highWatermark;
  }

  /** @returns whether it rose */
  raiseHighWatermark(offset: number): boolean {
    if (offset <= this.#highWatermark) return false;
    this.#highWatermark = offset;
    return true;
  }

  /** The log was cut. */
  boundHighWatermark(): void {
    const { startOffset, endOffset } = this.log;
    this.#highWatermark = Math.max(startOffset, Math.min(this.#highWatermark, endOffset));
  }

  /** How far this replica holds its log as safely as the flush policy asks. */
  get heldOffset(): number {
    const { durableOffset, writtenOffset, relaxed } = this.log;
    return this.settings.flushPolicy.kind === "commit" || !relaxed ? durableOffset : writtenOffset;
  }

  notify(): void {
    for (const reader of this.readers) reader.changed();
  }
}
