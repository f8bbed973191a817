import { CodecUnavailableError, type CodecName, type Codecs } from "@ottla/host";
import { ProtocolError } from "../errors.ts";
import { isXerial, readXerial } from "./xerial.ts";

/** What the records of one batch may become, unless the caller says otherwise. */
export const MAX_DECOMPRESSED_BYTES = 64 * 1024 * 1024;

/** Snappy goes out as one raw block, as librdkafka writes it: every client reads it and it needs no second pass.
 * @throws ProtocolError UNSUPPORTED_COMPRESSION_TYPE when the codec's package is not installed */
export async function compress(codec: CodecName, data: Uint8Array, codecs: Codecs): Promise<Uint8Array> {
  try {
    return await codecs.compress(codec, data);
  } catch (error) {
    throw unavailable(error) ?? error;
  }
}

/** Snappy may come raw or in xerial framing, as the Java client writes it.
 * @throws ProtocolError CORRUPT_MESSAGE when the data is damaged or would exceed `maxOutputBytes`; UNSUPPORTED_COMPRESSION_TYPE when
 * the codec's package is not installed */
export async function decompress(codec: CodecName, data: Uint8Array, codecs: Codecs, maxOutputBytes: number): Promise<Uint8Array> {
  try {
    if (codec === "snappy" && isXerial(data)) return await readXerial(data, codecs, maxOutputBytes);
    return await codecs.decompress(codec, data, maxOutputBytes);
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    const what = error instanceof Error ? error.message : String(error);
    throw (
      unavailable(error) ??
      new ProtocolError(
        "CORRUPT_MESSAGE",
        `Cannot decompress ${data.length} bytes of ${codec} (at most ${maxOutputBytes} may come out): ${what}`,
        { cause: error },
      )
    );
  }
}

function unavailable(error: unknown): ProtocolError | undefined {
  return error instanceof CodecUnavailableError
    ? new ProtocolError("UNSUPPORTED_COMPRESSION_TYPE", error.message, { cause: error })
    : undefined;
}
