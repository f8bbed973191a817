import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { OutgoingRecord } from "@ottla/client";
import { InputError } from "../exit-codes.ts";

export interface InputFormat {
  readonly format: "line" | "json";
  /** In lines: what stands between key and value. */
  readonly keySeparator: string | undefined;
  /** Added to every record, before its own. */
  readonly headers: readonly (readonly [string, string])[];
  readonly partition: number | undefined;
}

/** Lines of the files, one after the other, or of standard input. */
export async function* inputLines(
  files: readonly string[],
  signal: AbortSignal,
): AsyncIterable<{ source: string; number: number; text: string }> {
  for (const source of files.length > 0 ? files : ["-"]) {
    const input = source === "-" ? process.stdin : createReadStream(source);
    const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY, signal });
    const unreadable = (error: Error): InputError => new InputError(`Cannot read ${source}: ${error.message}`);
    // Without this an unreadable file would end the process, not the loop.
    const failed = new Promise<never>((_, reject) => input.once("error", (error: Error) => reject(unreadable(error))));
    failed.catch(() => {});
    const iterator = lines[Symbol.asyncIterator]();
    for (let number = 1; ; number += 1) {
      // The reader of lines passes the error of its input on, as it is.
      const line = iterator.next().catch((error: Error) => Promise.reject(unreadable(error)));
      const next = await Promise.race([line, failed]);
      if (next.done || signal.aborted) break;
      yield { source, number, text: next.value };
    }
    lines.close();
    if (signal.aborted) return;
  }
}

/** @throws InputError naming the line and what is wrong with it */
export function parseRecord(line: { source: string; number: number; text: string }, format: InputFormat): OutgoingRecord {
  const place = `${line.source === "-" ? "standard input" : line.source}, line ${line.number}`;
  const own = format.format === "json" ? parseJson(line.text, place) : parseLine(line.text, format.keySeparator, place);
  const headers = [...format.headers, ...(own.headers ?? [])];
  const partition = own.partition ?? format.partition;
  return {
    value: own.value,
    ...(own.key === undefined ? {} : { key: own.key }),
    ...(own.timestamp === undefined ? {} : { timestamp: own.timestamp }),
    ...(headers.length > 0 ? { headers } : {}),
    ...(partition === undefined ? {} : { partition }),
  };
}

interface Parsed {
  value: string | Uint8Array | null;
  key?: string | Uint8Array | null;
  headers?: (readonly [string, string | Uint8Array | null])[];
  partition?: number;
  timestamp?: number;
}

function parseLine(text: string, separator: string | undefined, place: string): Parsed {
  if (separator === undefined) return { value: text };
  const at = text.indexOf(separator);
  if (at < 0) throw new InputError(`${place} has no key separator "${separator}"; every line needs key${separator}value`);
  return { key: text.slice(0, at), value: text.slice(at + separator.length) };
}

const known = new Set(["value", "key", "headers", "partition", "timestamp", "topic", "offset", "leaderEpoch"]);

/** What `ottla consume --format json` prints can be produced again. */
function parseJson(text: string, place: string): Parsed {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${place} is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof parsed !== "object" || parsed === null || !("value" in parsed))
    throw new InputError(
      `${place} has no "value"; with --format json every line is {"value": …, "key": …, "headers": [["name", "value"]], "partition": …, "timestamp": …}`,
    );
  const fields = new Map<string, unknown>(Object.entries(parsed));
  for (const name of fields.keys())
    if (!known.has(name)) throw new InputError(`${place} has an unknown field "${name}"; known are ${[...known].join(", ")}`);
  return {
    value: asContent(fields.get("value")),
    ...(fields.has("key") ? { key: asContent(fields.get("key")) } : {}),
    ...(fields.has("headers") ? { headers: asHeaders(fields.get("headers"), place) } : {}),
    ...(fields.has("partition") ? { partition: asWhole("partition", fields.get("partition"), place) } : {}),
    ...(fields.has("timestamp") ? { timestamp: asWhole("timestamp", fields.get("timestamp"), place) } : {}),
  };
}

/** Text as it is, `{ "base64": … }` as bytes, anything else as JSON. */
function asContent(value: unknown): string | Uint8Array | null {
  if (value === null || typeof value === "string") return value;
  if (typeof value === "object" && "base64" in value && typeof value.base64 === "string" && Object.keys(value).length === 1)
    return Buffer.from(value.base64, "base64");
  return JSON.stringify(value);
}

function asWhole(name: string, value: unknown, place: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new InputError(`${place}: "${name}" is ${JSON.stringify(value)}; it takes a whole number from 0 on`);
}

function asHeaders(value: unknown, place: string): (readonly [string, string | Uint8Array | null])[] {
  if (!Array.isArray(value)) throw new InputError(`${place}: "headers" is ${JSON.stringify(value)}; it takes a list of [name, value]`);
  return value.map((pair: unknown) => {
    if (Array.isArray(pair) && pair.length === 2 && typeof pair[0] === "string") return [pair[0], asContent(pair[1])] as const;
    throw new InputError(`${place}: header ${JSON.stringify(pair)} is no [name, value]`);
  });
}
