import type { Frame } from "../../network.ts";

/** The parts of one message, for a library that asks a message for its length and then copies it behind a header of its own: the parts go
 * straight into that copy. Joining them first would copy everything that passes twice. */
export class Gathered {
  readonly length: number;
  readonly #parts: Frame;
  readonly #copied: () => void;

  /** `copied` is called once the parts may change again. */
  constructor(parts: Frame, copied: () => void) {
    let length = 0;
    for (const part of parts) length += part.byteLength;
    this.length = length;
    this.#parts = parts;
    this.#copied = copied;
  }

  get byteLength(): number {
    return this.length;
  }

  copy(target: Uint8Array, at: number): number {
    let end = at;
    for (const part of this.#parts) {
      target.set(part, end);
      end += part.byteLength;
    }
    this.#copied();
    return this.length;
  }

  /** What grpc-js asks of a message is what is here; its types say Buffer. */
  asMessage(): Buffer {
    return this as unknown as Buffer;
  }
}
