import { isMissing } from "@ottla/host";
import { BATCH_HEADER_BYTES, batchCrcMatches, type BatchHeader, ProtocolError, readBatchHeader } from "@ottla/protocol";
import { LogDamagedError } from "../errors.ts";
import { type Segment, segmentName } from "../segment/segment.ts";
import { claimedSize } from "../segment/verify.ts";
import type { LogCore } from "./core.ts";
import { examine } from "./examine.ts";
import { indexOf } from "./indexing.ts";

export interface ReadOptions {
  readonly from: number;
  /** Exclusive: only batches that end at or below it. */
  readonly until: number;
  /** At least one batch is returned, even a larger one. */
  readonly maxBytes: number;
}

export interface ReadResult {
  /** Whole batches, one after the other; a part may hold several. They must not be changed. */
  readonly parts: Uint8Array[];
  readonly bytes: number;
  /** Where to go on. */
  readonly nextOffset: number;
}

const MIN_READ_BYTES = 16 << 10;
const REMEMBERED_PLACES = 4;

interface Place {
  readonly offset: number;
  readonly position: number;
}

/** Reads whole batches: the newest from memory, the others from their segment, each verified before it is handed out. */
export class Reader {
  readonly #core: LogCore;
  /** Where readers stopped lately: one that goes on needs no index and reads no byte twice. */
  #places: { offset: number; position: number; segment: Segment; version: number }[] = [];

  constructor(core: LogCore) {
    this.#core = core;
  }

  async read(options: ReadOptions): Promise<ReadResult> {
    const core = this.#core;
    this.#checkRange(options.from);
    for (let from = options.from, attempt = 0; ; attempt++) {
      const until = Math.min(options.until, core.endOffset);
      if (from >= until) return { parts: [], bytes: 0, nextOffset: from };
      const lost = core.damage.find((range) => range.from <= from && from < range.until);
      if (lost !== undefined) {
        if (lost.fate !== "accepted")
          throw new LogDamagedError(core.name, `${core.path}/${segmentName(lost.segmentBase)}`, lost.from, lost.until);
        from = lost.until;
        continue;
      }
      const cached = core.shared.cache.read(core.cached, from, until, options.maxBytes);
      if (cached !== null) return cached;
      // What is neither in memory nor written yet can be read once it is.
      const written = Math.min(until, core.writtenOffset);
      if (from >= written) return { parts: [], bytes: 0, nextOffset: from };
      const { version } = core;
      const segment = core.segmentAt(from);
      const stored = await this.#readSegment(segment, from, written, options.maxBytes).catch((error: unknown) => {
        // Its file may have been deleted on purpose; if not, what it held is lost.
        if (isMissing(error)) return "damaged" as const;
        throw error;
      });
      if (core.version !== version) {
        this.#checkRange(from);
        continue;
      }
      if (stored !== "damaged") return stored;
      if (attempt > 0) throw unverified(core, segment, from);
      this.#places = [];
      await examine(core, segment);
    }
  }

  #checkRange(from: number): void {
    const { startOffset, endOffset, name } = this.#core;
    if (from >= startOffset && from <= endOffset) return;
    throw new ProtocolError(
      "OFFSET_OUT_OF_RANGE",
      `Cannot read offset ${from} of log ${name}: it holds offsets ${startOffset} to ${endOffset - 1}`,
    );
  }

  async #readSegment(segment: Segment, from: number, until: number, maxBytes: number): Promise<ReadResult | "damaged"> {
    const core = this.#core;
    const open = await core.shared.files.acquire(core.filePath(segment), "write");
    try {
      const place = await this.#locate(segment, from);
      const end = core.damage.reduce(
        (least, range) =>
          range.segmentBase === segment.base && range.startPosition >= place.position ? Math.min(least, range.startPosition) : least,
        segment.writtenBytes,
      );
      const slack = place.offset === from ? 0 : core.settings.indexIntervalBytes;
      let length = Math.min(Math.max(maxBytes + slack, MIN_READ_BYTES), end - place.position);
      for (;;) {
        const bytes = Buffer.allocUnsafeSlow(length);
        const read = await open.file.read(bytes, place.position);
        // A file that lost bytes is shorter than it was; the batches it has kept are good.
        const walk = this.#walk(bytes.subarray(0, read), place, { from, until, maxBytes });
        if (walk.kind === "damaged" || (walk.kind === "more" && read < length)) return "damaged";
        if (walk.kind === "found") {
          this.#remember(segment, walk.nextOffset, place.position + walk.end);
          return {
            parts: walk.end > walk.start ? [bytes.subarray(walk.start, walk.end)] : [],
            bytes: walk.end - walk.start,
            nextOffset: walk.nextOffset,
          };
        }
        if (place.position + walk.needed > end) return "damaged";
        length = Math.max(walk.needed, Math.min(length * 2, end - place.position));
      }
    } catch (error) {
      if (error instanceof ProtocolError && error.error === "CORRUPT_MESSAGE") return "damaged";
      throw error;
    } finally {
      core.shared.files.release(open);
    }
  }

  /** Steps over batches before `from`, then takes whole verified ones. */
  #walk(bytes: Uint8Array, place: Place, want: ReadOptions): Walk {
    let { offset } = place;
    let at = 0;
    let start = -1;
    for (;;) {
      if (offset >= want.until && start < 0) return { kind: "found", start: at, end: at, nextOffset: want.from };
      const left = bytes.length - at;
      const size = left >= BATCH_HEADER_BYTES ? claimedSize(bytes.subarray(at, at + 12)) : BATCH_HEADER_BYTES;
      if (size === null) return start < 0 ? { kind: "damaged" } : { kind: "found", start, end: at, nextOffset: offset };
      const full = start >= 0 && (at - start + size > want.maxBytes || offset >= want.until);
      if (full || (left < size && start >= 0)) return { kind: "found", start, end: at, nextOffset: offset };
      if (left < BATCH_HEADER_BYTES || left < size) return { kind: "more", needed: at + size };
      const header = readBatchHeader(bytes, at);
      const nextOffset = header.lastOffset + 1;
      const wanted = nextOffset > want.from;
      if (!this.#fits(header, offset) || (wanted && !batchCrcMatches(bytes, at))) {
        return start < 0 ? { kind: "damaged" } : { kind: "found", start, end: at, nextOffset: offset };
      }
      if (wanted && nextOffset > want.until)
        return { kind: "found", start: Math.max(start, 0), end: start < 0 ? 0 : at, nextOffset: start < 0 ? want.from : offset };
      if (wanted && start < 0) start = at;
      at += size;
      offset = nextOffset;
    }
  }

  #fits(header: BatchHeader, offset: number): boolean {
    if (header.baseOffset !== offset) return false;
    const known = this.#core.epochs.at(offset);
    return known === null || known === header.leaderEpoch;
  }

  async #locate(segment: Segment, from: number): Promise<Place> {
    const core = this.#core;
    const remembered = this.#places.find((place) => place.offset === from && place.segment === segment && place.version === core.version);
    if (remembered !== undefined) return remembered;
    const index = await indexOf(core, segment);
    const entry = index.floor(from - segment.base);
    let place: Place =
      entry === null ? { offset: segment.base, position: 0 } : { offset: segment.base + entry.relativeOffset, position: entry.position };
    for (const range of core.damage) {
      if (range.segmentBase === segment.base && range.until <= from && range.until > place.offset)
        place = { offset: range.until, position: range.endPosition };
    }
    return place;
  }

  #remember(segment: Segment, offset: number, position: number): void {
    if (position >= segment.writtenBytes) return;
    if (this.#places.length >= REMEMBERED_PLACES) this.#places.shift();
    this.#places.push({ offset, position, segment, version: this.#core.version });
  }
}

type Walk =
  | { readonly kind: "found"; readonly start: number; readonly end: number; readonly nextOffset: number }
  | { readonly kind: "more"; readonly needed: number }
  | { readonly kind: "damaged" };

function unverified(core: LogCore, segment: Segment, from: number): ProtocolError {
  return new ProtocolError(
    "KAFKA_STORAGE_ERROR",
    `Cannot read offset ${from} of log ${core.name}: its bytes in ${core.filePath(segment)} did not verify, and no damage was found when the file was read again; the disk may be failing`,
  );
}
