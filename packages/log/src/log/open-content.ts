import type { Shared } from "../directory/shared.ts";
import type { LogState } from "../directory/log-state.ts";
import { Segment } from "../segment/segment.ts";
import { SegmentIndex } from "../segment/segment-index.ts";
import type { LogSettings } from "../settings.ts";
import type { LogContent } from "./core.ts";
import { EpochCache } from "./epoch-cache.ts";
import { recover } from "./recover.ts";

/** What a log holds. After a clean shutdown its state says all and no file is touched. */
export async function openContent(
  shared: Shared,
  name: string,
  settings: LogSettings,
  clean: boolean,
): Promise<{ content: LogContent; onDisk: boolean }> {
  const state = shared.states.get(name);
  const trusted =
    clean && !shared.states.damaged && state !== null && endsAtPoint(state) && (shared.marks.get(name)?.offset ?? 0) <= state.point.offset;
  if (trusted) return { content: asClosed(state, settings), onDisk: state.segments.some((segment) => segment.sizeBytes > 0) };
  return recover({ shared, name, indexIntervalBytes: settings.indexIntervalBytes, statesDamaged: shared.states.damaged });
}

function endsAtPoint({ point, segments }: LogState): boolean {
  return segments.at(-1)?.endOffset === point.offset;
}

function asClosed(state: LogState, settings: LogSettings): LogContent {
  const segments = state.segments.map((summary) => Segment.fromSummary(summary));
  const active = segments.at(-1);
  for (const segment of segments) segment.indexCovers = segment.sizeBytes;
  if (active !== undefined) active.index = new SegmentIndex(active.sizeBytes, settings.indexIntervalBytes);
  return {
    segments,
    startOffset: state.startOffset,
    durable: { ...state.point, check: null },
    epochs: new EpochCache(state.epochs),
    damage: [...state.damage],
    relaxed: state.relaxed,
    recovery: { tornBytes: 0, damaged: state.damage.some(({ fate }) => fate === "damaged"), scannedBatches: 0 },
  };
}
