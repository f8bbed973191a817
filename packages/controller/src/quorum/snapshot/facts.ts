import { ProtocolError } from "@ottla/protocol";
import { DIGEST_BYTES } from "../../state/digest.ts";

const LENGTH_BYTES = 4;

/** The data of one chunk: whole facts, each after its length (four bytes, little-endian); the first chunk begins with the digest of the whole. */
export function packFacts(digest: Uint8Array | null, facts: readonly Uint8Array[]): Uint8Array {
  const bytes = facts.reduce((sum, fact) => sum + LENGTH_BYTES + fact.length, digest === null ? 0 : DIGEST_BYTES);
  const data = new Uint8Array(bytes);
  const view = new DataView(data.buffer);
  if (digest !== null) data.set(digest, 0);
  let at = digest === null ? 0 : DIGEST_BYTES;
  for (const fact of facts) {
    view.setUint32(at, fact.length, true);
    data.set(fact, at + LENGTH_BYTES);
    at += LENGTH_BYTES + fact.length;
  }
  return data;
}

/** @throws ProtocolError INVALID_REQUEST */
export function unpackFacts(data: Uint8Array, first: boolean): { digest: Uint8Array | null; facts: Uint8Array[] } {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const facts: Uint8Array[] = [];
  let at = first ? DIGEST_BYTES : 0;
  while (at + LENGTH_BYTES <= data.length) {
    const end = at + LENGTH_BYTES + view.getUint32(at, true);
    if (end > data.length) break;
    facts.push(data.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  if (at !== data.length)
    throw new ProtocolError("INVALID_REQUEST", `Cannot take a chunk of ${data.length} bytes of a snapshot: its values end at byte ${at}`);
  return { digest: first ? data.slice(0, DIGEST_BYTES) : null, facts };
}
