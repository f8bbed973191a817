import { maxBatchBytes, type pb, ProtocolError } from "@ottla/protocol";

/** Joins a batch that comes in several frames. */
export class Chunks {
  #batch: { readonly baseOffset: number; readonly bytes: Uint8Array; filled: number } | null = null;

  /** What came is of no use any more. */
  drop(): void {
    this.#batch = null;
  }

  /** @returns the batch once it is whole
   * @throws ProtocolError CORRUPT_MESSAGE for bytes that do not follow those before */
  join({ chunkAt, chunkOf, baseOffset }: pb.DataPart, bytes: Uint8Array, partition: string): Uint8Array | null {
    // The topic's own limit may have been higher when the batch came.
    if (chunkAt === 0 && chunkOf <= maxBatchBytes) this.#batch = { baseOffset, bytes: new Uint8Array(chunkOf), filled: 0 };
    const batch = this.#batch;
    if (batch === null || batch.baseOffset !== baseOffset || batch.filled !== chunkAt || chunkAt + bytes.length > batch.bytes.length) {
      throw new ProtocolError(
        "CORRUPT_MESSAGE",
        `Bytes ${chunkAt} to ${chunkAt + bytes.length} of ${chunkOf} of a batch of ${partition} do not follow those before (the limit is ${maxBatchBytes})`,
      );
    }
    batch.bytes.set(bytes, chunkAt);
    batch.filled += bytes.length;
    if (batch.filled < batch.bytes.length) return null;
    this.#batch = null;
    return batch.bytes;
  }
}
