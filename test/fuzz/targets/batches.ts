import { type CodecName, nodeHost } from "@ottla/host";
import { BATCH_HEADER_BYTES, batches, crc32c, decodeBatch, encodeBatch, ProtocolError, validateBatch } from "@ottla/protocol";
import { orRefused, type Target } from "../target.ts";

const maxOutputBytes = 1 << 20;
const { codecs } = nodeHost();
const codecNames: readonly (CodecName | "none")[] = ["none", "gzip", "snappy", "lz4", "zstd"];

async function encoded(codec: CodecName | "none"): Promise<Uint8Array> {
  const records = Array.from({ length: 8 }, (_, at) => ({
    key: at % 2 === 0 ? null : Buffer.from(`key-${at}`),
    value: at === 3 ? null : Buffer.from(`value ${at} `.repeat(at + 1)),
    headers: [{ key: "größe", value: at === 1 ? null : Buffer.from("x") }],
    timestamp: 1_700_000_000_000 + at,
  }));
  return encodeBatch(records, { codec, codecs, producerId: 9, producerEpoch: 1, baseSequence: 5 });
}

const refused = (error: unknown): boolean => error instanceof ProtocolError && error.error !== "UNKNOWN_SERVER_ERROR";

function batchTarget(codec: CodecName | "none", repaired: boolean): Target {
  return {
    name: `batch-${codec}${repaired ? "-repaired" : ""}`,
    cost: codec === "none" ? 1 : 10,
    seeds: async () => [await encoded(codec)],
    async check(bytes) {
      if (repaired) repair(bytes);
      const valid = await orRefused(() => validateBatch(bytes.slice(), { maxBytes: maxOutputBytes }), refused);
      const records = await orRefused(() => decodeBatch(bytes, 0, codecs, { maxOutputBytes }), refused);
      await orRefused(() => [...batches(bytes)], refused);
      return valid !== undefined && records !== undefined;
    },
  };
}

/** Makes length and CRC fit again, so that what lies behind them is read. */
function repair(bytes: Uint8Array): void {
  if (bytes.length < BATCH_HEADER_BYTES) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setInt32(8, bytes.length - 12);
  view.setInt8(16, 2);
  view.setUint32(17, crc32c(bytes.subarray(21)));
}

/** Compressed data alone: whatever it says of its size, no more than allowed comes out. */
function codecTarget(codec: CodecName): Target {
  const text = Buffer.from("a text that repeats itself, ".repeat(40));
  return {
    name: `codec-${codec}`,
    cost: 10,
    seeds: async () => [
      await codecs.compress(codec, text),
      await codecs.compress(codec, new Uint8Array(2 * maxOutputBytes)),
      await codecs.compress(codec, new Uint8Array(0)),
    ],
    async check(bytes) {
      const before = process.memoryUsage().arrayBuffers;
      const expanded = await orRefused(
        () => codecs.decompress(codec, bytes, maxOutputBytes),
        (error) => error instanceof Error && error.message.length > 10 && !(error instanceof TypeError),
      );
      if (expanded !== undefined && expanded.length > maxOutputBytes)
        throw new Error(`${expanded.length} bytes came out, ${maxOutputBytes} are allowed`);
      const grown = process.memoryUsage().arrayBuffers - before;
      if (grown > 4 * maxOutputBytes) throw new Error(`it took ${grown} bytes of memory`);
      return expanded !== undefined;
    },
  };
}

export function batchTargets(): Target[] {
  const compressed = codecNames.filter((name) => name !== "none");
  return [...codecNames.flatMap((codec) => [batchTarget(codec, false), batchTarget(codec, true)]), ...compressed.map(codecTarget)];
}
