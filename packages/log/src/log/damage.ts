import type { DamagedBytes } from "../segment/inspect.ts";

/** Offsets of a log whose bytes are lost. */
export interface DamageRange extends DamagedBytes {
  readonly segmentBase: number;
  /** Given up knowingly: reads step over it. */
  readonly accepted: boolean;
}

/** Both lists as one, in order of offset; a range that is known already stays as it is. */
export function mergeDamage(known: readonly DamageRange[], found: readonly DamageRange[]): DamageRange[] {
  const added = found.filter((range) => !known.some((other) => other.from <= range.from && range.until <= other.until));
  const kept = known.filter((range) => !added.some((other) => other.from <= range.from && range.until <= other.until));
  return [...kept, ...added].sort((a, b) => a.from - b.from);
}

/** What is left of the ranges in a log from `start` to `end`. */
export function clipDamage(ranges: readonly DamageRange[], start: number, end: number): DamageRange[] {
  return ranges.filter((range) => range.until > start && range.from < end);
}
