/** The only source of randomness. */
export interface Random {
  /** A whole number in [0, bound), `bound` at most 2^32. */
  below(bound: number): number;
  bytes(length: number): Uint8Array;
  /** 16 bytes of a version 4 UUID. */
  uuid(): Uint8Array;
}

/** Stamps version and variant into 16 random bytes (RFC 9562 §5.4). */
export function versionFour(bytes: Uint8Array): Uint8Array {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes;
}
