import type { ConsumerBatch, ConsumerRecord } from "./api.ts";
import { typed } from "./decode.ts";
import type { Intake } from "./intake.ts";
import type { Cursor, Partition } from "./partition.ts";

type AnyRecord = ConsumerRecord<unknown, unknown>;

interface Unfinished {
  readonly cursor: Cursor;
  readonly fromIndex: number;
  readonly fromOffset: number;
  /** Processed up to here once it is finished. */
  readonly nextOffset: number;
}

/** What one reader has been handed. A record or batch is finished when the reader asks for the next one. */
export class Handout {
  readonly #intake: Intake;
  /** How many records may still be handed out. */
  #left: number;
  #cursor: Cursor | null = null;
  #unfinished: Unfinished | null = null;

  constructor(intake: Intake, count: number) {
    this.#intake = intake;
    this.#left = count;
  }

  get left(): number {
    return this.#left;
  }

  /** The reader is done with what it was handed last. */
  finish(): void {
    if (this.#unfinished === null) return;
    const { cursor, nextOffset } = this.#unfinished;
    if (cursor.generation === cursor.partition.generation) cursor.partition.processed = nextOffset;
    this.#unfinished = null;
  }

  /** The reader failed at it: it will be handed out again. */
  takeBack(): void {
    if (this.#unfinished === null) return;
    const { cursor, fromIndex, fromOffset } = this.#unfinished;
    this.#unfinished = null;
    if (cursor.generation !== cursor.partition.generation) return;
    this.#left += cursor.index - fromIndex;
    cursor.index = fromIndex;
    cursor.partition.position = fromOffset;
  }

  /** The next record if one is at hand.
   * @throws RecordDecodeError; the record stays the next one */
  record(): AnyRecord | undefined {
    const cursor = this.#usable();
    const raw = cursor?.records[cursor.index];
    if (cursor === undefined || raw === undefined) return undefined;
    const record = cursor.partition.codecs === null ? raw : typed(cursor.partition, raw);
    this.#handed(cursor, cursor.index + 1);
    return record;
  }

  /** All records at hand of one partition.
   * @throws RecordDecodeError when the first of them cannot be read */
  batch(): ConsumerBatch<AnyRecord> | undefined {
    const cursor = this.#usable();
    if (cursor === undefined) return undefined;
    const { partition, index, highWatermark } = cursor;
    const raw = cursor.records.slice(index, this.#left < cursor.records.length - index ? index + this.#left : undefined);
    const records = partition.codecs === null ? raw : readable(partition, raw);
    this.#handed(cursor, index + records.length);
    return { topic: partition.topic.name, partition: partition.partition, records, highWatermark };
  }

  /** Waits for records; false at the end, or when the signal has aborted.
   * @throws ConsumeError */
  async fill(signal?: AbortSignal): Promise<boolean> {
    if (this.#left <= 0) return false;
    this.#cursor = await this.#intake.next(signal);
    return this.#cursor !== null;
  }

  /** The reader stops: what it was not handed stays for the next one. */
  release(): void {
    if (this.#cursor !== null) this.#intake.giveBack(this.#cursor);
    this.#cursor = null;
  }

  #usable(): Cursor | undefined {
    const cursor = this.#cursor;
    if (cursor === null || this.#left <= 0) return undefined;
    const { partition } = cursor;
    if (cursor.generation === partition.generation && !partition.paused && cursor.index < cursor.records.length) return cursor;
    this.release();
    return undefined;
  }

  #handed(cursor: Cursor, index: number): void {
    const { partition, records } = cursor;
    const last = records[index - 1];
    const nextOffset = index === records.length || last === undefined ? cursor.nextOffset : last.offset + 1;
    this.#unfinished = { cursor, fromIndex: cursor.index, fromOffset: partition.position, nextOffset };
    this.#left -= index - cursor.index;
    cursor.index = index;
    partition.position = nextOffset;
    if (last !== undefined) partition.leaderEpoch = last.leaderEpoch;
  }
}

/** Those before the first that cannot be read. */
function readable(partition: Partition, raw: readonly ConsumerRecord[]): AnyRecord[] {
  const records: AnyRecord[] = [];
  for (const record of raw) {
    try {
      records.push(typed(partition, record));
    } catch (error) {
      if (records.length === 0) throw error;
      break;
    }
  }
  return records;
}
