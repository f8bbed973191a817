import { promisify } from "node:util";
import zlib from "node:zlib";
import { damaged, tooLarge } from "./limits.ts";

type Options = { maxOutputLength: number };
type Callback = (error: Error | null, result: Buffer) => void;

/** What node:zlib offers from Node 22.15 and 23.8 on. */
export interface ZlibZstd {
  zstdCompress(data: Uint8Array, callback: Callback): void;
  zstdDecompress(data: Uint8Array, options: Options, callback: Callback): void;
  zstdCompressSync(data: Uint8Array): Buffer;
  zstdDecompressSync(data: Uint8Array, options: Options): Buffer;
}

export const zlibZstd: ZlibZstd | null = hasZstd(zlib) ? zlib : null;

function hasZstd(module: object): module is ZlibZstd {
  return "zstdDecompress" in module && typeof module.zstdDecompress === "function";
}

const gzip = promisify(zlib.gzip);
const gunzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gunzip);

export const gzipCodec = {
  compress: (data: Uint8Array): Promise<Uint8Array> => gzip(data),
  decompress: (data: Uint8Array, maxOutputBytes: number): Promise<Uint8Array> =>
    gunzip(data, { maxOutputLength: atLeastOne(maxOutputBytes) }).catch((error: unknown) => {
      throw zlibError("gzip", error, maxOutputBytes);
    }),
};

/** zlib takes no limit of 0. */
export function atLeastOne(maxOutputBytes: number): number {
  return Math.max(1, maxOutputBytes);
}

export function zlibError(codec: string, error: unknown, maxOutputBytes: number): Error {
  if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE")
    return tooLarge(codec, maxOutputBytes + 1, maxOutputBytes);
  return damaged(codec, error instanceof Error ? error.message : String(error), error);
}
