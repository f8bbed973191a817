import { createRequire } from "node:module";
import zlib from "node:zlib";
import { CodecUnavailableError, type CodecName, type Codecs } from "../codecs.ts";
import { checkSnappy } from "../node/codecs/limits.ts";
import { checkLz4 } from "../node/codecs/lz4-size.ts";
import { atLeastOne, zlibError, zlibZstd } from "../node/codecs/zlib-codecs.ts";

/** The real codecs, called synchronously: no seed could repeat the timing of the thread pool. Without zstd where Node has none itself. */
export const memoryCodecs: Codecs = {
  compress: async (codec, data) => sync[codec]().compress(data),
  decompress: async (codec, data, maxOutputBytes) => sync[codec]().decompress(data, maxOutputBytes),
};

interface SyncCodec {
  compress(data: Uint8Array): Uint8Array;
  decompress(data: Uint8Array, maxOutputBytes: number): Uint8Array;
}

const require = createRequire(import.meta.url);

const sync: Record<CodecName, () => SyncCodec> = {
  gzip: () => ({
    compress: (data) => zlib.gzipSync(data),
    decompress: (data, maxOutputBytes) =>
      bounded("gzip", maxOutputBytes, () => zlib.gunzipSync(data, { maxOutputLength: atLeastOne(maxOutputBytes) })),
  }),
  snappy() {
    const snappy: typeof import("snappy") = optional("snappy", "snappy");
    return {
      compress: (data) => snappy.compressSync(data),
      decompress(data, maxOutputBytes) {
        checkSnappy(data, maxOutputBytes);
        const expanded = bounded("snappy", maxOutputBytes, () => snappy.uncompressSync(data, { asBuffer: true }));
        return typeof expanded === "string" ? Buffer.from(expanded) : expanded;
      },
    };
  },
  lz4() {
    const lz4: typeof import("lz4-napi") = optional("lz4", "lz4-napi");
    return {
      compress: (data) => lz4.compressFrameSync(asBuffer(data)),
      decompress(data, maxOutputBytes) {
        checkLz4(data, maxOutputBytes);
        return bounded("lz4", maxOutputBytes, () => lz4.decompressFrameSync(asBuffer(data)));
      },
    };
  },
  zstd() {
    if (zlibZstd === null) throw new CodecUnavailableError("zstd", "node:zlib with zstd (Node 22.15 or later)");
    const zstd = zlibZstd;
    return {
      compress: (data) => zstd.zstdCompressSync(data),
      decompress: (data, maxOutputBytes) =>
        bounded("zstd", maxOutputBytes, () => zstd.zstdDecompressSync(data, { maxOutputLength: atLeastOne(maxOutputBytes) })),
    };
  },
};

function optional<T>(codec: CodecName, packageName: string): T {
  try {
    return require(packageName);
  } catch (error) {
    throw new CodecUnavailableError(codec, packageName, error);
  }
}

function bounded<T>(codec: CodecName, maxOutputBytes: number, expand: () => T): T {
  try {
    return expand();
  } catch (error) {
    throw zlibError(codec, error, maxOutputBytes);
  }
}

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
