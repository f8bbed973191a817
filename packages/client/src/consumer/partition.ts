import type { BatchHeader } from "@ottla/protocol";
import type { ConsumeError } from "../errors.ts";
import type { TopicInfo } from "../connection/topics.ts";
import type { Topic } from "../topic/topic.ts";
import type { ConsumerRecord } from "./api.ts";

/** Before the codecs of its topic. */
export type RawRecord = ConsumerRecord;

export interface FetchedBatch {
  readonly header: BatchHeader;
  readonly bytes: Uint8Array;
}

/** Records of one partition, of which those before `index` have been handed out. */
export interface Cursor {
  readonly partition: Partition;
  /** Of the partition when they were fetched: a seek makes them obsolete. */
  readonly generation: number;
  readonly records: readonly RawRecord[];
  index: number;
  /** After the last record, and after what compaction or markers left empty behind it. */
  readonly nextOffset: number;
  readonly highWatermark: number;
}

/** One assigned partition: where its fetching, its delivery and its processing stand. fetchOffset >= position >= processed. */
export class Partition {
  readonly topic: TopicInfo;
  readonly partition: number;
  readonly codecs: Topic<unknown, unknown> | null;
  /** For texts: `orders-0`. */
  readonly label: string;
  /** False until it is known where to begin. */
  located = false;
  fetchOffset = -1;
  /** The next to hand out. */
  position = -1;
  /** The next of which nothing is known to be processed; what automatic commits commit. */
  processed = -1;
  /** What the group has for it, as far as this consumer committed or read it. */
  committed = -1;
  /** Of the last record handed out. */
  leaderEpoch = -1;
  generation = 0;
  paused = false;
  /** The node that holds an open fetch for it. */
  fetchingFrom: number | null = null;
  /** Names the open fetch: an answer to another one is dropped. */
  fetchToken = 0;
  retryAtMs = Number.NEGATIVE_INFINITY;
  failures = 0;
  /** Who led when it last failed, and since when. */
  failedUnder: string | null = null;
  /** Since when its leader has answered nothing but that its storage fails. */
  storageFailsSinceMs: number | null = null;
  highWatermark = -1;
  /** Finish here; null: never. */
  endOffset: number | null = null;
  /** It cannot go on; a seek may help. */
  failure: ConsumeError | null = null;
  readonly batches: FetchedBatch[] = [];
  bufferedBytes = 0;
  /** Handed back undelivered, by a pause. */
  held: Cursor | null = null;

  constructor(topic: TopicInfo, partition: number, codecs: Topic<unknown, unknown> | null) {
    this.topic = topic;
    this.partition = partition;
    this.codecs = codecs;
    this.label = `${topic.name}-${partition}`;
  }

  get ready(): boolean {
    return !this.paused && (this.held !== null || this.batches.length > 0);
  }

  /** All there is to deliver has been fetched. */
  get exhausted(): boolean {
    return this.located && this.endOffset !== null && this.fetchOffset >= this.endOffset;
  }

  get finished(): boolean {
    return this.exhausted && this.batches.length === 0 && this.held === null;
  }

  /** From here on, whatever was under way. Returns the bytes no longer buffered. */
  seek(offset: number): number {
    const freed = this.unlocate();
    this.located = true;
    this.fetchOffset = offset;
    this.position = offset;
    this.processed = offset;
    return freed;
  }

  /** The position is to be found; nothing fetched before counts. */
  unlocate(): number {
    const freed = this.bufferedBytes;
    this.generation++;
    this.fetchToken++;
    this.fetchingFrom = null;
    this.located = false;
    this.batches.length = 0;
    this.bufferedBytes = 0;
    this.held = null;
    this.failure = null;
    this.storageFailsSinceMs = null;
    this.retryAtMs = Number.NEGATIVE_INFINITY;
    return freed;
  }

  /** The log no longer has `fetchOffset`. What was fetched before a gap stays; behind a log that was cut nothing does. */
  reset(offset: number): number {
    if (offset < this.fetchOffset) return this.seek(offset);
    this.located = true;
    this.fetchOffset = offset;
    if (this.batches.length === 0 && this.held === null) this.skipTo(offset);
    return 0;
  }

  /** There is nothing to deliver before `offset`. */
  skipTo(offset: number): void {
    if (this.processed === this.position) this.processed = offset;
    this.position = offset;
  }
}
