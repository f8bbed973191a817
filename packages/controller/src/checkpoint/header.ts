import { DIGEST_BYTES } from "../state/digest.ts";

/** Version 1 was of builds before the first release; it lacked the term of the last entry. */
const FORMAT_VERSION = 2;
const HEADER_BYTES = 1 + 8 + DIGEST_BYTES + 8 + 1;

/** After every fact's key in byte order. */
export const HEADER_KEY = new TextEncoder().encode("checkpoint");

/** What a checkpoint says of the facts in it. Written in the batch that makes it true. */
export interface Header {
  /** Of the controller's log: the facts are the state after this entry. */
  readonly appliedIndex: number;
  /** Of that entry. */
  readonly appliedTerm: number;
  readonly digest: Uint8Array;
  /** It came from the leader: the log may end before it, and then begins anew after it. */
  readonly installed: boolean;
}

/** A checkpoint that another version of Ottla wrote: not damage, and nothing to fall back from. Says what to do. */
export class OtherFormatError extends Error {
  override readonly name = "OtherFormatError";

  constructor(version: number) {
    super(
      version > FORMAT_VERSION
        ? `it has format version ${version}, this version of Ottla reads version ${FORMAT_VERSION}; start a newer version`
        : `it has format version ${version}, of a build before the first release, and this version of Ottla reads version ${FORMAT_VERSION}; start with an empty data directory (data.dir), or start the build that wrote it`,
    );
  }
}

export function encodeHeader({ appliedIndex, appliedTerm, digest, installed }: Header): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, FORMAT_VERSION);
  view.setBigUint64(1, BigInt(appliedIndex), true);
  bytes.set(digest, 9);
  view.setBigUint64(9 + DIGEST_BYTES, BigInt(appliedTerm), true);
  view.setUint8(17 + DIGEST_BYTES, installed ? 1 : 0);
  return bytes;
}

/** @throws OtherFormatError */
export function decodeHeader(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = bytes[0] ?? 0;
  if (version !== FORMAT_VERSION && version > 0) throw new OtherFormatError(version);
  if (bytes.length !== HEADER_BYTES) throw new Error(`its header has ${bytes.length} bytes instead of ${HEADER_BYTES}`);
  return {
    appliedIndex: Number(view.getBigUint64(1, true)),
    appliedTerm: Number(view.getBigUint64(9 + DIGEST_BYTES, true)),
    digest: bytes.slice(9, 9 + DIGEST_BYTES),
    installed: view.getUint8(17 + DIGEST_BYTES) === 1,
  };
}
