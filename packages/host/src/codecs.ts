export type CodecName = "gzip" | "snappy" | "lz4" | "zstd";

/** Compression as this machine offers it: raw snappy blocks, lz4 frames, gzip and zstd streams. */
export interface Codecs {
  /** @throws CodecUnavailableError when this machine lacks the codec */
  compress(codec: CodecName, data: Uint8Array): Promise<Uint8Array>;
  /** @throws CodecUnavailableError, or an error that says the data is damaged or would exceed `maxOutputBytes` */
  decompress(codec: CodecName, data: Uint8Array, maxOutputBytes: number): Promise<Uint8Array>;
}

export class CodecUnavailableError extends Error {
  readonly codec: CodecName;

  constructor(codec: CodecName, packageName: string, cause?: unknown) {
    super(`Cannot use ${codec} compression: the optional package ${packageName} is not installed; npm install ${packageName}`, { cause });
    this.name = "CodecUnavailableError";
    this.codec = codec;
  }
}
