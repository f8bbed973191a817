export interface Header {
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface RecordToEncode {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** In order; keys may repeat. */
  readonly headers?: readonly Header[];
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number;
}

/** Key, value and header values are views into the batch, or into what it was decompressed to. */
export interface DecodedRecord {
  readonly offset: number;
  /** The producer's, or that of the append where the topic says so. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
}
