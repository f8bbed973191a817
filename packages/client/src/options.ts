import { OptionError } from "./errors.ts";

export interface Range {
  readonly least: number;
  readonly most: number;
  readonly unit?: "ms" | "bytes";
}

/** The option's value, or `standard` when it was not given. */
export function wholeNumber(option: string, value: number | undefined, standard: number, { least, most, unit }: Range): number {
  if (value === undefined) return standard;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new OptionError(
    option,
    `Cannot use ${option}: ${show(value)}: it must be a whole number from ${least} to ${most}${unit === undefined ? "" : ` ${unit}`}`,
  );
}

export function oneOf<T>(option: string, value: T | undefined, standard: T, allowed: readonly T[]): T {
  if (value === undefined) return standard;
  if (allowed.includes(value)) return value;
  throw new OptionError(option, `Cannot use ${option}: ${show(value)}: it must be one of ${allowed.map(show).join(", ")}`);
}

/** A misspelt option would otherwise be ignored in silence. */
export function onlyKnown(what: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const nearest =
      known.find((candidate) => candidate.toLowerCase() === name.toLowerCase()) ?? known.find((candidate) => alike(candidate, name));
    throw new OptionError(
      name,
      `Cannot use ${what} option ${name}: there is none; ${nearest === undefined ? `the options are ${known.join(", ")}` : `did you mean ${nearest}?`}`,
    );
  }
}

export function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** At most two letters changed, added or left out. */
function alike(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 2) return false;
  let previous = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column <= other.length; column++) {
      const [above = 0, diagonal = 0, left = 0] = [previous[column], previous[column - 1], current[column - 1]];
      current.push(Math.min(above + 1, left + 1, diagonal + (one[row - 1] === other[column - 1] ? 0 : 1)));
    }
    previous = current;
  }
  return (previous[other.length] ?? Number.POSITIVE_INFINITY) <= 2;
}
