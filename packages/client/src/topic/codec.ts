/** Turns values into bytes and back. A null value (a tombstone) or key never meets a codec. */
export interface Codec<T> {
  /** For error texts, such as `json`. */
  readonly name: string;
  /** Throws when the value cannot be written; the record is then refused, nothing is sent. */
  encode(value: T): Uint8Array;
  /** `bytes` is a view that stays valid; throw when they are not what they should be. */
  decode(bytes: Uint8Array): T;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 text. Bytes that are not UTF-8 are an error, never a silent replacement character. */
export function string(): Codec<string> {
  return { name: "string", encode: utf8Bytes, decode: (bytes) => utf8.decode(bytes) };
}

/** Bytes as they are. */
export function bytes(): Codec<Uint8Array> {
  return { name: "bytes", encode: (value) => value, decode: (value) => value };
}

/** JSON in UTF-8. `T` is what you vouch for: nothing checks it at run time. */
export function json<T>(): Codec<T> {
  return {
    name: "json",
    encode(value) {
      const text: string | undefined = JSON.stringify(value);
      if (text === undefined) throw new TypeError(`JSON cannot express ${typeof value}; send null to write a tombstone`);
      return utf8Bytes(text);
    },
    decode: (value) => JSON.parse(utf8.decode(value)),
  };
}

export function utf8Bytes(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}
