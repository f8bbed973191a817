import type { DamagedBytes } from "../segment/inspect.ts";

/** What became of a damaged range. `damaged`: other replicas may hold what was in it. `lost`: no replica does; it is answered with an error.
 * `accepted`: an operator gave it up; reads step over it. In the order of their codes on the disk. */
export const damageFates = ["damaged", "accepted", "lost"] as const;
export type DamageFate = (typeof damageFates)[number];

/** Offsets of a log whose bytes are lost. */
export interface DamageRange extends DamagedBytes {
  readonly segmentBase: number;
  readonly fate: DamageFate;
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
