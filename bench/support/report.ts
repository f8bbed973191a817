import { cpus, release, totalmem } from "node:os";

/** One line about where the figures come from. */
export function machine(): string {
  const ca = process.env.NODE_EXTRA_CA_CERTS ? ", NODE_EXTRA_CA_CERTS set (adds about 30 ms to each start)" : "";
  return `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}${ca}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Every run in order, then minimum, median, maximum. */
export function line(what: string, values: readonly number[], unit: string, digits = 0): string {
  const text = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: digits });
  return `${what}: ${values.map(text).join(", ")} ${unit} (min ${text(Math.min(...values))}, median ${text(median(values))}, max ${text(Math.max(...values))})`;
}

/** The ratio pair by pair: on a noisy machine only that counts. */
export function ratio(what: string, ours: readonly number[], theirs: readonly number[]): string {
  return line(
    what,
    ours.map((value, at) => value / (theirs[at] ?? Number.NaN)),
    "x",
    2,
  );
}
