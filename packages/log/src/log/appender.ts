import { batchCrcMatches, type BatchHeader, ProtocolError, readBatchHeader, setBaseOffset, setLeaderEpoch } from "@ottla/protocol";
import { assert } from "../assert.ts";
import type { Segment } from "../segment/segment.ts";
import type { LogCore } from "./core.ts";
import { sealIndex } from "./indexing.ts";
import { Writer } from "./writer.ts";

/** Relative offsets in an index have 32 bits. */
const MAX_OFFSETS_OF_SEGMENT = 2 ** 31 - 1;

/** Gives batches their place at the end of the log, and begins segments. */
export class Appender {
  readonly writer: Writer;
  readonly #core: LogCore;

  constructor(core: LogCore) {
    this.#core = core;
    this.writer = new Writer(core, (segment) => this.#sealed(segment));
  }

  append(batch: Uint8Array, leaderEpoch: number): { baseOffset: number; lastOffset: number } {
    const core = this.#core;
    this.#checkOpen();
    const header = readBatchHeader(batch);
    assert(header.sizeBytes === batch.length, `a batch of ${header.sizeBytes} bytes came in ${batch.length}`);
    if (leaderEpoch !== core.epochs.last) {
      core.epochs.begin(leaderEpoch, core.endOffset);
      // Whoever waits for the batch hears of a failure: it is not durable before this is.
      void core.saveState().catch(() => undefined);
    }
    const segment = this.#segmentFor(header);
    const baseOffset = segment.endOffset;
    setBaseOffset(batch, baseOffset);
    setLeaderEpoch(batch, leaderEpoch);
    core.shared.cache.add(core.cached, baseOffset, baseOffset + header.lastOffsetDelta + 1, batch);
    return this.#place(segment, batch, header, baseOffset);
  }

  /** What is replicated is not kept in memory: nobody reads a follower, and keeping a part of a frame is a copy. */
  replicate(batch: Uint8Array, header: BatchHeader): void {
    const core = this.#core;
    this.#checkOpen();
    const { baseOffset, leaderEpoch } = header;
    if (baseOffset !== core.endOffset) throw unfit(core, header, `offset ${core.endOffset} comes next`);
    if (header.sizeBytes !== batch.length) throw unfit(core, header, `${batch.length} bytes came`);
    if (!batchCrcMatches(batch)) throw unfit(core, header, "its CRC does not match its bytes");
    if (leaderEpoch !== core.epochs.last) {
      const newest = core.epochs.at(core.endOffset - 1) ?? -1;
      if (leaderEpoch < newest) throw unfit(core, header, `the batch before it has epoch ${newest}`);
      // An epoch that this replica began as a leader and wrote nothing in is none of the present leader's.
      core.epochs.cut(core.endOffset);
      if (leaderEpoch !== core.epochs.last) core.epochs.begin(leaderEpoch, core.endOffset);
      void core.saveState().catch(() => undefined);
    }
    core.shared.cache.cut(core.cached, 0);
    this.#place(this.#segmentFor(header), batch, header, baseOffset);
  }

  #checkOpen(): void {
    const core = this.#core;
    if (core.failure !== null) throw core.failure;
    assert(!core.closed && !core.cutting, `append to log ${core.name} while it is ${core.closed ? "closed" : "being cut"}`);
  }

  #place(segment: Segment, batch: Uint8Array, header: BatchHeader, baseOffset: number): { baseOffset: number; lastOffset: number } {
    const core = this.#core;
    const lastOffset = baseOffset + header.lastOffsetDelta;
    if (segment.sizeBytes === 0) segment.createdMs = core.shared.clock.wallMs();
    segment.add(batch.length, lastOffset + 1, header.maxTimestamp);
    this.writer.add(segment, batch, lastOffset + 1, header.maxTimestamp);
    if (core.settings.flush.kind !== "commit" && !core.relaxed) core.noteRelaxed();
    return { baseOffset, lastOffset };
  }

  /** Begins a segment behind the active one. */
  roll(): Segment {
    const { active } = this.#core;
    const next = this.#core.beginSegment();
    if (active.sizeBytes === active.writtenBytes) this.#sealed(active);
    return next;
  }

  #segmentFor(header: BatchHeader): Segment {
    const { active, settings, shared } = this.#core;
    const full =
      active.sizeBytes > 0 &&
      (active.sizeBytes + header.sizeBytes > settings.segmentBytes ||
        active.endOffset + header.lastOffsetDelta - active.base > MAX_OFFSETS_OF_SEGMENT ||
        shared.clock.wallMs() - active.createdMs > settings.segmentMs);
    return full ? this.roll() : active;
  }

  /** Under every policy a full segment is synced, so that recovery need not read it again. */
  #sealed(segment: Segment): void {
    sealIndex(this.#core, segment);
    this.writer.syncer.sync(segment.endOffset);
  }
}

function unfit(core: LogCore, header: BatchHeader, why: string): ProtocolError {
  return new ProtocolError(
    "CORRUPT_MESSAGE",
    `Cannot append the batch at offset ${header.baseOffset} (epoch ${header.leaderEpoch}, ${header.sizeBytes} bytes) to log ${core.name}: ${why}`,
  );
}
