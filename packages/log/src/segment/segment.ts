import { assert } from "../assert.ts";
import type { SegmentIndex } from "./segment-index.ts";

/** A place in a log: the batch that begins with `offset` lies at `position` of the segment that begins with `segmentBase`. */
export interface LogPosition {
  readonly offset: number;
  readonly segmentBase: number;
  readonly position: number;
}

/** What is known of a segment without opening it. */
export interface SegmentSummary {
  readonly base: number;
  readonly endOffset: number;
  readonly sizeBytes: number;
  readonly maxTimestamp: number;
  /** Wall clock of the first append. */
  readonly createdMs: number;
}

/** One file of a log: the batches from `base` up to the next segment. Offsets and sizes run ahead of the disk by what is pending. */
export class Segment {
  readonly base: number;
  endOffset: number;
  sizeBytes = 0;
  maxTimestamp = -1;
  createdMs = 0;
  /** What the operating system has. */
  writtenBytes = 0;
  writtenMaxTimestamp = -1;
  /** Whether there is a file of it. */
  onDisk = false;
  /** The file's size was found to be what is known of the segment. */
  sizeChecked = false;
  index: SegmentIndex | null = null;
  /** How many bytes of the segment the index files cover, as far as known; -1: not known. */
  indexCovers = -1;
  indexLoading: Promise<SegmentIndex> | null = null;

  constructor(base: number) {
    this.base = base;
    this.endOffset = base;
  }

  static fromSummary(summary: SegmentSummary): Segment {
    const segment = new Segment(summary.base);
    segment.endOffset = summary.endOffset;
    segment.sizeBytes = segment.writtenBytes = summary.sizeBytes;
    segment.maxTimestamp = segment.writtenMaxTimestamp = summary.maxTimestamp;
    segment.createdMs = summary.createdMs;
    segment.onDisk = summary.sizeBytes > 0;
    return segment;
  }

  /** Takes up a batch that lies, or is about to lie, at the end. */
  add(sizeBytes: number, nextOffset: number, maxTimestamp: number): void {
    assert(nextOffset > this.endOffset, `segment ${this.base} ends at ${this.endOffset}, a batch would end it at ${nextOffset}`);
    this.index?.add(this.endOffset - this.base, this.sizeBytes, this.maxTimestamp);
    this.sizeBytes += sizeBytes;
    this.endOffset = nextOffset;
    if (maxTimestamp > this.maxTimestamp) this.maxTimestamp = maxTimestamp;
  }

  summary(): SegmentSummary {
    return {
      base: this.base,
      endOffset: this.endOffset,
      sizeBytes: this.sizeBytes,
      maxTimestamp: this.maxTimestamp,
      createdMs: this.createdMs,
    };
  }
}

const BASE_DIGITS = 20;
const segmentFile = /^(\d{20})\.log$/;

export function segmentName(base: number): string {
  return `${String(base).padStart(BASE_DIGITS, "0")}.log`;
}

export function offsetIndexName(base: number): string {
  return `${String(base).padStart(BASE_DIGITS, "0")}.index`;
}

export function timeIndexName(base: number): string {
  return `${String(base).padStart(BASE_DIGITS, "0")}.timeindex`;
}

/** The base offset of a segment's file name; null for other files. */
export function segmentBaseOf(fileName: string): number | null {
  const base = Number(segmentFile.exec(fileName)?.[1] ?? Number.NaN);
  return Number.isSafeInteger(base) ? base : null;
}
