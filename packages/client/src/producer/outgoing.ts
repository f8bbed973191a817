import type { RecordToEncode } from "@ottla/protocol";
import { OptionError, messageOf, ProduceError } from "../errors.ts";
import { utf8Bytes, type Codec } from "../topic/codec.ts";
import { toHeaders } from "../topic/headers.ts";
import type { Topic } from "../topic/topic.ts";
import type { OutgoingRecord } from "./api.ts";
import { MAX_RECORD_BYTES } from "./settings.ts";

/** Above what a record needs besides its key, value and headers: lengths, deltas, attributes. */
const RECORD_OVERHEAD_BYTES = 32;
const HEADER_OVERHEAD_BYTES = 10;
const NO_HEADERS: [] = [];

/** A record as bytes, on its way to a batch. */
export interface Outgoing extends RecordToEncode {
  /** The caller's choice, or null. */
  readonly partition: number | null;
  /** At least what it takes in a batch before compression. */
  readonly bytes: number;
}

/** @throws ProduceError when it cannot be written or is too large; OptionError for a partition or timestamp out of range */
export function toOutgoing(topic: string | Topic<unknown, unknown>, input: OutgoingRecord<unknown, unknown>, nowMs: number): Outgoing {
  const name = typeof topic === "string" ? topic : topic.name;
  const { timestamp = nowMs, partition = null } = input;
  if (!Number.isSafeInteger(timestamp) || timestamp < 0)
    throw new OptionError(
      "timestamp",
      `Cannot send to "${name}" with timestamp ${timestamp}: it must be whole milliseconds since 1970, at least 0`,
    );
  if (partition !== null && !(Number.isInteger(partition) && partition >= 0))
    throw new OptionError("partition", `Cannot send to "${name}" partition ${partition}: it must be a whole number, at least 0`);
  const key = toBytes(name, "key", typeof topic === "string" ? null : topic.key, input.key ?? null);
  const value = toBytes(name, "value", typeof topic === "string" ? null : topic.value, input.value);
  let bytes = RECORD_OVERHEAD_BYTES + (key === null ? 0 : key.length) + (value === null ? 0 : value.length);
  if (input.headers === undefined) return checked(name, { key, value, headers: NO_HEADERS, timestamp, partition, bytes });
  const headers = attempt(name, "headers", () => toHeaders(input.headers ?? NO_HEADERS));
  for (const header of headers)
    bytes += HEADER_OVERHEAD_BYTES + Buffer.byteLength(header.key) + (header.value === null ? 0 : header.value.length);
  return checked(name, { key, value, headers, timestamp, partition, bytes });
}

function checked(topic: string, outgoing: Outgoing): Outgoing {
  if (outgoing.bytes <= MAX_RECORD_BYTES) return outgoing;
  throw new ProduceError(
    "MESSAGE_TOO_LARGE",
    topic,
    outgoing.partition,
    "not-appended",
    `Cannot send a record of ${outgoing.bytes} bytes to "${topic}": no message may exceed ${MAX_RECORD_BYTES} bytes; split it, or store it elsewhere and send where`,
  );
}

function toBytes(topic: string, what: "key" | "value", codec: Codec<unknown> | null, value: unknown): Uint8Array | null {
  if (value === null) return null;
  if (codec === null && typeof value === "string") return utf8Bytes(value);
  if (codec === null && value instanceof Uint8Array) return value;
  if (codec !== null && value !== undefined) return attempt(topic, what, () => codec.encode(value));
  throw new OptionError(
    what,
    `Cannot send to "${topic}" with a ${what} of type ${typeof value}: ${codec === null ? "it must be text, bytes or null; give the topic a codec for other types: topic(name, json())" : "null, not undefined, writes a tombstone"}`,
  );
}

function attempt<T>(topic: string, what: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw new ProduceError(
      "INVALID_RECORD",
      topic,
      null,
      "not-appended",
      `Cannot send to "${topic}": its ${what} cannot be written: ${messageOf(cause)}`,
      cause,
    );
  }
}
