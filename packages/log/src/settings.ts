import type { FlushPolicy } from "@ottla/protocol";

/** What a log may be told while it runs; see {@link Log.configure}. */
export interface LogSettings {
  /** A segment that would grow beyond it is closed and a new one begun. At most 2^31 - 1. */
  readonly segmentBytes: number;
  /** A segment whose first append is older, by the wall clock, is closed at the next append. */
  readonly segmentMs: number;
  /** Roughly the bytes between two entries of the sparse indexes. */
  readonly indexIntervalBytes: number;
  /** -1 keeps records forever. */
  readonly retentionMs: number;
  /** -1 sets no bound. */
  readonly retentionBytes: number;
  readonly flush: FlushPolicy;
}
