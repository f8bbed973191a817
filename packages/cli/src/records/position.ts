import { UsageError } from "../exit-codes.ts";

/** Where to begin or to stop reading. */
export type Position =
  | { readonly kind: "beginning" }
  | { readonly kind: "end" }
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "last"; readonly count: number }
  | { readonly kind: "time"; readonly timestamp: number };

/** @throws UsageError naming the option, the value and the forms there are */
export function parsePosition(option: string, given: string): Position {
  if (given === "beginning" || given === "end") return { kind: given };
  if (/^\d+$/.test(given)) return { kind: "offset", offset: Number(given) };
  if (/^-\d+$/.test(given)) return { kind: "last", count: -Number(given) };
  const millis = /^@(\d+)$/.exec(given)?.[1];
  const timestamp = millis === undefined ? Date.parse(given) : Number(millis);
  if (!/^(@|\d{4}-)/.test(given) || Number.isNaN(timestamp))
    throw new UsageError(
      `${option} is "${given}"; it takes beginning, end, an offset (42), the last records (-10), a date (2001-03-01 or 2001-03-01T06:00:00Z) or @milliseconds`,
    );
  return { kind: "time", timestamp };
}
