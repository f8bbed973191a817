import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** How one message is read and written; made by the generator. */
export interface MessageCodec<T> {
  /** Every field at its default, lists fresh. */
  empty(): T;
  /** Reads until the end of the message into `into`. */
  read(reader: Reader, into: T): void;
  /** Writes the fields from the last to the first. */
  write(writer: Writer, message: T): void;
}

export interface MessageType<T> extends MessageCodec<T> {
  /** @throws ProtocolError INVALID_REQUEST when a number does not fit its field */
  encode(message: T): Uint8Array;
  /** Fields of type bytes are views into `bytes`. Unknown fields are skipped; of a field that comes twice the last counts.
   * @throws ProtocolError INVALID_REQUEST naming message and field when the bytes are no such message */
  decode(bytes: Uint8Array): T;
  /** The message with its defaults: 0, "", false, no bytes, no items, undefined. */
  create(partial?: Partial<T>): T;
}

/** The default of every field of type bytes. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

// Encoding is synchronous, so one is enough.
const writer = new Writer();

export function messageType<T extends object>(codec: MessageCodec<T>): MessageType<T> {
  return {
    ...codec,
    encode(message) {
      try {
        codec.write(writer, message);
        return writer.finish();
      } finally {
        writer.reset();
      }
    },
    decode(bytes) {
      const message = codec.empty();
      codec.read(new Reader(bytes), message);
      return message;
    },
    create: (partial) => Object.assign(codec.empty(), partial),
  };
}
