import type { BatchHeader } from "@ottla/protocol";
import type { LogSettings } from "../settings.ts";

export interface DamagedOffsets {
  readonly from: number;
  /** Exclusive. */
  readonly until: number;
  readonly file: string;
}

export interface Recovery {
  readonly tornBytes: number;
  readonly damaged: boolean;
  readonly scannedBatches: number;
}

export interface ReadOptions {
  readonly from: number;
  /** Exclusive. */
  readonly until: number;
  readonly maxBytes: number;
}

export interface ReadResult {
  readonly parts: Uint8Array[];
  readonly bytes: number;
  readonly nextOffset: number;
}

export class Log {
  get name(): string { throw new Error("being written"); }
  get directory(): string { throw new Error("being written"); }
  get startOffset(): number { throw new Error("being written"); }
  get endOffset(): number { throw new Error("being written"); }
  get writtenOffset(): number { throw new Error("being written"); }
  get durableOffset(): number { throw new Error("being written"); }
  get sizeBytes(): number { throw new Error("being written"); }
  get pendingBytes(): number { throw new Error("being written"); }
  get lastEpoch(): number { throw new Error("being written"); }
  get failure(): Error | null { throw new Error("being written"); }
  get damaged(): readonly DamagedOffsets[] { throw new Error("being written"); }
  get recovery(): Recovery { throw new Error("being written"); }
  append(_batch: Uint8Array, _leaderEpoch: number): { baseOffset: number; lastOffset: number } { throw new Error("being written"); }
  written(_offset: number): Promise<void> { throw new Error("being written"); }
  durable(_offset: number): Promise<void> { throw new Error("being written"); }
  flush(): Promise<void> { throw new Error("being written"); }
  read(_options: ReadOptions): Promise<ReadResult> { throw new Error("being written"); }
  headers(_from: number): AsyncIterable<BatchHeader> { throw new Error("being written"); }
  offsetForTimestamp(_timestamp: number, _until: number): Promise<{ batch: Uint8Array; header: BatchHeader } | null> { throw new Error("being written"); }
  maxTimestamp(_until: number): Promise<{ batch: Uint8Array; header: BatchHeader } | null> { throw new Error("being written"); }
  epochEnd(_epoch: number): { epoch: number; endOffset: number } { throw new Error("being written"); }
  epochStart(_epoch: number): number | null { throw new Error("being written"); }
  recordEpochStart(_epoch: number): Promise<void> { throw new Error("being written"); }
  epochAt(_offset: number): number | null { throw new Error("being written"); }
  truncateTo(_offset: number): Promise<void> { throw new Error("being written"); }
  deleteRecordsTo(_offset: number): Promise<void> { throw new Error("being written"); }
  applyRetention(_nowMs: number, _upTo: number): Promise<{ deletedSegments: number }> { throw new Error("being written"); }
  roll(): Promise<void> { throw new Error("being written"); }
  reopen(): Promise<void> { throw new Error("being written"); }
  acceptLoss(): Promise<DamagedOffsets[]> { throw new Error("being written"); }
  configure(_settings: LogSettings): void { throw new Error("being written"); }
  close(): Promise<void> { throw new Error("being written"); }
}
