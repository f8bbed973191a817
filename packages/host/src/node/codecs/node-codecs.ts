import { promisify } from "node:util";
import { CodecUnavailableError, type CodecName, type Codecs } from "../../codecs.ts";
import { checkSnappy, damaged, tooLarge } from "./limits.ts";
import { checkLz4 } from "./lz4-size.ts";
import { atLeastOne, gzipCodec, zlibError, zlibZstd } from "./zlib-codecs.ts";
import { checkZstd } from "./zstd-size.ts";

interface Codec {
  compress(data: Uint8Array): Promise<Uint8Array>;
  decompress(data: Uint8Array, maxOutputBytes: number): Promise<Uint8Array>;
}

/** Each is loaded when it is first needed. Everything runs on the thread pool. */
export function nodeCodecs(): Codecs {
  const loaded = new Map<CodecName, Promise<Codec>>();
  const codec = (name: CodecName): Promise<Codec> => {
    const found = loaded.get(name) ?? load[name]();
    loaded.set(name, found);
    return found;
  };
  return {
    compress: async (name, data) => (await codec(name)).compress(data),
    async decompress(name, data, maxOutputBytes) {
      const expanded = await (await codec(name)).decompress(data, maxOutputBytes);
      if (expanded.byteLength > maxOutputBytes) throw tooLarge(name, expanded.byteLength, maxOutputBytes);
      return expanded;
    },
  };
}

const load: Record<CodecName, () => Promise<Codec>> = {
  gzip: () => Promise.resolve(gzipCodec),
  async snappy() {
    const snappy = await optional("snappy", "snappy", () => import("snappy"));
    return {
      compress: (data) => snappy.compress(data),
      async decompress(data, maxOutputBytes) {
        checkSnappy(data, maxOutputBytes);
        const expanded = await explained("snappy", snappy.uncompress(data, { asBuffer: true }));
        return typeof expanded === "string" ? Buffer.from(expanded) : expanded;
      },
    };
  },
  async lz4() {
    const lz4 = await optional("lz4", "lz4-napi", () => import("lz4-napi"));
    return {
      compress: (data) => lz4.compressFrame(data),
      decompress(data, maxOutputBytes) {
        checkLz4(data, maxOutputBytes);
        return explained("lz4", lz4.decompressFrame(data));
      },
    };
  },
  zstd: () => (zlibZstd === null ? packagedZstd() : Promise.resolve(builtInZstd(zlibZstd))),
};

function builtInZstd(zlib: NonNullable<typeof zlibZstd>): Codec {
  const compress = promisify<Uint8Array, Buffer>(zlib.zstdCompress);
  const decompress = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(zlib.zstdDecompress);
  return {
    compress,
    decompress: (data, maxOutputBytes) =>
      decompress(data, { maxOutputLength: atLeastOne(maxOutputBytes) }).catch((error: unknown) => {
        throw zlibError("zstd", error, maxOutputBytes);
      }),
  };
}

async function packagedZstd(): Promise<Codec> {
  const zstd = await optional("zstd", "@mongodb-js/zstd", () => import("@mongodb-js/zstd"));
  return {
    compress: (data) => zstd.compress(asBuffer(data)),
    decompress(data, maxOutputBytes) {
      checkZstd(data, maxOutputBytes);
      return explained("zstd", zstd.decompress(asBuffer(data)));
    },
  };
}

async function optional<T>(codec: CodecName, packageName: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw new CodecUnavailableError(codec, packageName, error);
  }
}

async function explained<T>(codec: CodecName, expanding: Promise<T>): Promise<T> {
  try {
    return await expanding;
  } catch (error) {
    throw damaged(codec, error instanceof Error ? error.message : String(error), error);
  }
}

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
