/** More than any server takes; beyond it the bytes are not Kafka's. */
const MAX_FRAME_BYTES = 256 * 1024 * 1024;

/** Cuts a stream into frames: 4 bytes of size, big-endian, then so many bytes. */
export class FrameCutter {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #broken = false;

  /** What the stream begins with instead of a frame, once that is seen. */
  get broken(): boolean {
    return this.#broken;
  }

  /** @returns the frames that are complete by now, without their sizes */
  push(chunk: Uint8Array): Uint8Array[] {
    if (this.#broken) return [];
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    const frames: Uint8Array[] = [];
    for (let size = this.#size(); size !== null && this.#bytes >= 4 + size; size = this.#size()) {
      const all = this.#joined();
      frames.push(all.subarray(4, 4 + size));
      this.#parts = [all.subarray(4 + size)];
      this.#bytes -= 4 + size;
    }
    return frames;
  }

  /** What has arrived of a frame that is not complete. */
  rest(): Uint8Array {
    return this.#joined();
  }

  #size(): number | null {
    if (this.#bytes < 4) return null;
    const first = this.#parts[0];
    const all = first !== undefined && first.length >= 4 ? first : this.#joined();
    const size = new DataView(all.buffer, all.byteOffset).getInt32(0);
    if (size >= 0 && size <= MAX_FRAME_BYTES) return size;
    this.#broken = true;
    return null;
  }

  #joined(): Uint8Array {
    const [first] = this.#parts;
    if (this.#parts.length === 1 && first) return first;
    const all = Buffer.concat(this.#parts);
    this.#parts = [all];
    return all;
  }
}
