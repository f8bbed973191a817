import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Flight {
  readonly key: string | null;
  readonly value: string;
  /** Milliseconds since the Unix epoch; absent: when it is sent. */
  readonly timestamp?: number;
}

/** The package exports its code only; the data lie beside it. */
const data = join(dirname(fileURLToPath(import.meta.resolve("vega-datasets"))), "../data");

/** 20 000 flights of 2001 in the order of departure: keyed by their airport, stamped with their departure. */
export async function datedFlights(): Promise<Flight[]> {
  const flights: { date: string; origin: string }[] = JSON.parse(await readFile(join(data, "flights-20k.json"), "utf8"));
  return flights
    .map((flight) => ({ key: flight.origin, value: JSON.stringify(flight), timestamp: departure(flight.date) }))
    .sort((a, b) => a.timestamp - b.timestamp);
}

/** 200 000 more that bear neither date nor airport. */
export async function undatedFlights(): Promise<Flight[]> {
  const flights: object[] = JSON.parse(await readFile(join(data, "flights-200k.json"), "utf8"));
  return flights.map((flight) => ({ key: null, value: JSON.stringify(flight) }));
}

/** "2001/01/01 00:47", taken as UTC. */
function departure(date: string): number {
  return Date.parse(`${date.replaceAll("/", "-").replace(" ", "T")}:00Z`);
}

/** For each key a digest over its values in order: equal only if nothing is missing, doubled, changed or out of order. */
export function digests(flights: Iterable<{ key: string | null; value: string }>): Map<string, string> {
  const hashes = new Map<string, ReturnType<typeof createHash>>();
  for (const { key, value } of flights) {
    const name = key ?? "";
    let hash = hashes.get(name);
    if (!hash) hashes.set(name, (hash = createHash("sha256")));
    hash.update(value).update("\n");
  }
  return new Map([...hashes].map(([key, hash]) => [key, hash.digest("hex")]));
}

/** How often each record is missing in, or too often in, what was read. Equal records are counted, because real data repeats itself. */
export function compare(
  sent: Iterable<{ key: string | null; value: string }>,
  read: Iterable<{ key: string | null; value: string }>,
): { lost: number; doubled: number } {
  const counts = new Map<string, number>();
  for (const { key, value } of sent) counts.set(`${key}\n${value}`, (counts.get(`${key}\n${value}`) ?? 0) + 1);
  for (const { key, value } of read) counts.set(`${key}\n${value}`, (counts.get(`${key}\n${value}`) ?? 0) - 1);
  let lost = 0;
  let doubled = 0;
  for (const count of counts.values()) {
    if (count > 0) lost += count;
    else doubled -= count;
  }
  return { lost, doubled };
}
