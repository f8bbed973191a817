import { crc32c } from "@ottla/protocol";
import { ascii, FieldWriter } from "./fields.ts";

/** Every file of ours begins with it: 8 bytes of format, version (u32), CRC-32C of those 12 bytes (u32). It will stay so in every
 * version, so that a file from a newer Ottla is told from a damaged one. */
export const FILE_HEADER_BYTES = 16;

export interface FileFormat {
  /** Eight ASCII characters. */
  readonly magic: string;
  readonly version: number;
}

/** A file that a newer version of Ottla wrote. It is not touched. */
export class NewerFormatError extends Error {
  constructor(path: string, found: number, known: number) {
    super(
      `Cannot open ${path}: its format version is ${found} and this Ottla reads versions up to ${known}. Start the version of Ottla that wrote it`,
    );
    this.name = "NewerFormatError";
  }
}

export function fileHeader(format: FileFormat): Uint8Array {
  const head = new FieldWriter(FILE_HEADER_BYTES).bytes(ascii(format.magic)).u32(format.version).done();
  return new FieldWriter(FILE_HEADER_BYTES).bytes(head).u32(crc32c(head)).done();
}

/** Whether `bytes` begin with the header of this format; false when it is damaged or missing.
 * @throws NewerFormatError */
export function hasHeader(bytes: Uint8Array, format: FileFormat, path: string): boolean {
  if (bytes.length < FILE_HEADER_BYTES) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(12) !== crc32c(bytes.subarray(0, 12))) return false;
  const magic = ascii(format.magic);
  if (!magic.every((byte, at) => bytes[at] === byte)) return false;
  const version = view.getUint32(8);
  if (version > format.version) throw new NewerFormatError(path, version, format.version);
  return version >= 1;
}

/** A small file as a whole: header, payload, CRC-32C of the payload. */
export function sealFile(format: FileFormat, payload: Uint8Array): Uint8Array {
  return new FieldWriter(FILE_HEADER_BYTES + payload.length + 4).bytes(fileHeader(format)).bytes(payload).u32(crc32c(payload)).done();
}

/** The payload of a sealed file; null when it is damaged.
 * @throws NewerFormatError */
export function unsealFile(bytes: Uint8Array, format: FileFormat, path: string): Uint8Array | null {
  if (!hasHeader(bytes, format, path) || bytes.length < FILE_HEADER_BYTES + 4) return null;
  const end = bytes.length - 4;
  const payload = bytes.subarray(FILE_HEADER_BYTES, end);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(end) === crc32c(payload) ? payload : null;
}
