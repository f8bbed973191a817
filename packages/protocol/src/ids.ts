import { ProtocolError } from "./errors.ts";

/** A 16-byte id as 32 lower-case hexadecimal digits, so that it can be a key of a Map. */
export type Uuid = string & { readonly uuid: unique symbol };

export const UUID_BYTES = 16;

const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** @throws ProtocolError INVALID_REQUEST unless there are 16 bytes */
export function uuidFromBytes(bytes: Uint8Array): Uuid {
  if (bytes.length !== UUID_BYTES)
    throw new ProtocolError("INVALID_REQUEST", `Cannot read an id from ${bytes.length} bytes: an id has ${UUID_BYTES}`);
  let digits = "";
  for (const byte of bytes) digits += hex[byte];
  return digits as Uuid;
}

export function uuidToBytes(uuid: Uuid): Uint8Array {
  const bytes = new Uint8Array(UUID_BYTES);
  for (let i = 0; i < UUID_BYTES; i++) bytes[i] = Number.parseInt(uuid.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** For people: base64url without padding, 22 characters, as Kafka's tools print ids. */
export function uuidToText(uuid: Uuid): string {
  return Buffer.from(uuid, "hex").toString("base64url");
}

/** Reads what {@link uuidToText} wrote.
 * @throws ProtocolError INVALID_REQUEST for any other text */
export function uuidFromText(text: string): Uuid {
  const uuid = /^[A-Za-z0-9_-]{22}$/.test(text) ? uuidFromBytes(new Uint8Array(Buffer.from(text, "base64url"))) : undefined;
  if (uuid === undefined || uuidToText(uuid) !== text)
    throw new ProtocolError(
      "INVALID_REQUEST",
      `Cannot read the id "${text}": an id is 22 characters of base64url, such as "${uuidToText(exampleUuid)}"`,
    );
  return uuid;
}

const exampleUuid = "00112233445566778899aabbccddeeff" as Uuid;
