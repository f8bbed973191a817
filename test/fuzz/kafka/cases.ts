import { crc32c } from "@ottla/protocol";
import type { Draw } from "../draw.ts";
import { mutated } from "../mutate.ts";
import type { Seed } from "./seeds.ts";

/** What is sent on a connection, and whether its frame says the truth about its size. */
export interface Case {
  readonly kind: Kind;
  readonly bytes: Uint8Array;
  /** Then something well-formed can follow on the same connection. */
  readonly sized: boolean;
}

export const kinds = [
  "damaged",
  "cut",
  "batch",
  "old batch",
  "unknown API",
  "unknown version",
  "false size",
  "foreign",
  "garbage",
] as const;
export type Kind = (typeof kinds)[number];

/** Beyond these, frames are as good as any. Batches and damage are where the decoding is. */
const weights: Readonly<Record<Kind, number>> = {
  damaged: 34,
  cut: 16,
  batch: 24,
  "old batch": 4,
  "unknown API": 4,
  "unknown version": 6,
  "false size": 6,
  foreign: 3,
  garbage: 3,
};
const sum = Object.values(weights).reduce((one, other) => one + other, 0);

const strangers = [
  "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  "SSH-2.0-OpenSSH_9.2\r\n",
  "\0\0\0\0\0",
].map((text) => Buffer.from(text, "latin1"));

const batchField = {
  length: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  producerId: 43,
  baseSequence: 53,
  count: 57,
} as const;

export function caseOf(seeds: readonly Seed[], draw: Draw): Case {
  const { below } = draw;
  const kind = kindOf(below(sum));
  const seed = seeds[below(seeds.length)] ?? { frame: new Uint8Array(0), batchAt: null };
  const batches = seeds.filter(({ batchAt }) => batchAt !== null);
  const write = batches[below(batches.length)] ?? seed;
  switch (kind) {
    case "damaged":
      return framed(kind, mutated([seed.frame], draw));
    case "cut":
      return framed(kind, seed.frame.slice(0, below(seed.frame.length + 1)));
    case "batch":
      return framed(kind, damagedBatch(write, draw));
    case "old batch":
      return framed(kind, oldBatch(write, below(2)));
    case "unknown API":
      return framed(kind, withInt16(seed.frame, 0, below(2) === 0 ? 93 + below(32_000) : -1 - below(100)));
    case "unknown version":
      return framed(kind, withInt16(seed.frame, 2, below(2) === 0 ? 14 + below(32_000) : -1 - below(100)));
    case "false size":
      return { kind, bytes: sizedAs(seed.frame, falseSize(seed.frame.length, draw)), sized: false };
    case "foreign":
      return { kind, bytes: strangers[below(strangers.length)] ?? seed.frame, sized: false };
    case "garbage":
      return { kind, bytes: draw.garbage(1 + below(300)), sized: false };
  }
}

function kindOf(point: number): Kind {
  let left = point;
  for (const kind of kinds) {
    left -= weights[kind];
    if (left < 0) return kind;
  }
  throw new Error(`${point} is beyond ${sum}`);
}

/** One field of the batch, or any byte of it, is wrong; often with the right CRC, so that more than the CRC is looked at. */
function damagedBatch({ frame, batchAt }: Seed, draw: Draw): Uint8Array {
  const { below } = draw;
  const bytes = frame.slice();
  const at = batchAt ?? 0;
  const view = new DataView(bytes.buffer);
  const extremes = [-1, 0, 1, 2, 7, 1000, 0x7fff_ffff, -0x8000_0000];
  const extreme = extremes[below(extremes.length)] ?? 0;
  const fields = Object.values(batchField);
  const field = fields[below(fields.length + 1)];
  if (field === undefined) bytes[at + below(bytes.length - at)] = below(256);
  else if (field === batchField.magic) view.setInt8(at + field, below(256));
  else if (field === batchField.attributes) view.setUint16(at + field, below(0x10000));
  else view.setInt32(at + field, extreme);
  const length = 12 + view.getInt32(at + batchField.length);
  if (below(3) > 0 && field !== batchField.crc && length > batchField.attributes && at + length <= bytes.length)
    view.setUint32(at + batchField.crc, crc32c(bytes.subarray(at + batchField.attributes, at + length)));
  return bytes;
}

/** A message set of format version 0 or 1: offset, size, CRC, magic, attributes, and in version 1 a timestamp; null key, value. */
function oldBatch({ frame, batchAt }: Seed, magic: number): Uint8Array {
  const bytes = frame.slice();
  const at = batchAt ?? 0;
  bytes.fill(0, at);
  const view = new DataView(bytes.buffer);
  view.setInt32(at + 8, bytes.length - at - 12);
  view.setInt8(at + 16, magic);
  view.setInt32(at + (magic === 0 ? 18 : 26), -1);
  view.setInt32(at + (magic === 0 ? 22 : 30), bytes.length - at - (magic === 0 ? 26 : 34));
  return bytes;
}

function falseSize(length: number, { below }: Draw): number {
  const sizes = [-1, -0x8000_0000, 0, 1, 7, length - 1, length + 1, length + 1000, 104_857_601, 0x7fff_ffff];
  return sizes[below(sizes.length)] ?? 0;
}

function withInt16(frame: Uint8Array, at: number, value: number): Uint8Array {
  const bytes = frame.slice();
  new DataView(bytes.buffer).setInt16(at, value);
  return bytes;
}

function framed(kind: Kind, frame: Uint8Array): Case {
  return { kind, bytes: sizedAs(frame, frame.length), sized: true };
}

function sizedAs(frame: Uint8Array, size: number): Uint8Array {
  const bytes = Buffer.alloc(4 + frame.length);
  bytes.writeInt32BE(size);
  bytes.set(frame, 4);
  return bytes;
}
