import { UsageError } from "../exit-codes.ts";

const unitBytes = new Map([
  ["", 1],
  ["B", 1],
  ["K", 1024],
  ["KB", 1000],
  ["KIB", 1024],
  ["M", 1024 ** 2],
  ["MB", 1000 ** 2],
  ["MIB", 1024 ** 2],
  ["G", 1024 ** 3],
  ["GB", 1000 ** 3],
  ["GIB", 1024 ** 3],
]);

/** Bytes a second: `20MiB`, `500kB`, `1000000`.
 * @throws UsageError naming the option and what it takes */
export function bytesPerSecond(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)(?:\/s)?$/i.exec(text.trim());
  const unit = unitBytes.get((match?.[2] ?? "?").toUpperCase());
  const bytes = match === null || unit === undefined ? Number.NaN : Math.round(Number(match[1]) * unit);
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw new UsageError(`${option} is "${text}"; it takes bytes per second from 1 on, such as 20MiB or 500kB`);
  return bytes;
}
