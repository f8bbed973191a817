import type { Random } from "@ottla/host";
import { pb } from "@ottla/protocol";
import { isClusterRecord } from "./fact.ts";
import type { Change, State } from "./state.ts";

/** Where a draft stood; {@link Draft.rollBack} returns to it. */
export interface Mark {
  readonly records: number;
  readonly changes: number;
  readonly bytes: number;
  readonly holdsClusterRecords: boolean;
}

/** The entry that is being decided. What is written to it is replayed at once, so that the next decision of the same entry sees it. */
export class Draft {
  readonly state: State;
  readonly random: Random;
  /** Of the entry in the log. */
  readonly index: number;
  /** Wall clock of the leader. */
  readonly decidedAtMs: number;
  readonly records: pb.MetadataRecord[] = [];
  readonly changes: Change[] = [];
  readonly digestBefore: Uint8Array;
  #bytes = 0;
  #holdsClusterRecords = false;
  readonly #lastClusterIndex: number;

  constructor(state: State, random: Random, index: number, decidedAtMs: number, lastClusterIndex: number) {
    this.state = state;
    this.random = random;
    this.index = index;
    this.decidedAtMs = decidedAtMs;
    this.#lastClusterIndex = lastClusterIndex;
    this.digestBefore = state.digest;
  }

  /** Roughly those of the encoded records. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of the last record that brokers follow and that a decision made now has seen. */
  get clusterIndex(): number {
    return this.#holdsClusterRecords ? this.index : this.#lastClusterIndex;
  }

  write(record: pb.MetadataRecord["record"]): void {
    const written = { record };
    this.records.push(written);
    this.#bytes += RECORD_OVERHEAD_BYTES + this.state.replay(written, this.changes);
    if (isClusterRecord(record)) this.#holdsClusterRecords = true;
  }

  mark(): Mark {
    return {
      records: this.records.length,
      changes: this.changes.length,
      bytes: this.#bytes,
      holdsClusterRecords: this.#holdsClusterRecords,
    };
  }

  rollBack(mark: Mark): void {
    this.state.undo(this.changes.splice(mark.changes));
    this.records.length = mark.records;
    this.#bytes = mark.bytes;
    this.#holdsClusterRecords = mark.holdsClusterRecords;
  }

  encode(): Uint8Array {
    return pb.Entry.encode({ digest: this.digestBefore, decidedAtMs: this.decidedAtMs, records: this.records });
  }
}

/** Tag, length, and the value of records that remove. */
const RECORD_OVERHEAD_BYTES = 16;
