/** The only source of randomness. */
export interface Random {
  /** A whole number in [0, bound), `bound` at most 2^32. */
  below(bound: number): number;
  bytes(length: number): Uint8Array;
  /** 16 bytes of a version 4 UUID. */
  uuid(): Uint8Array;
}
