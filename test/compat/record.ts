export const codecs = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
export type Codec = (typeof codecs)[number];

/** What is produced. Text, so that tools which read and print lines can take part; null and "" are two things. */
export interface Sent {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Absent: whatever the client sets. */
  readonly timestampMs?: number;
}

/** What is read back. */
export interface Stored extends Sent {
  readonly offset: number;
  readonly timestampMs: number;
}

export function plain(count: number, from = 0): Sent[] {
  return Array.from({ length: count }, (_, at) => ({
    key: `key ${(from + at) % 10}`,
    value: `record ${from + at} ä€😀 ${"x".repeat((from + at) % 97)}`,
    headers: [],
  }));
}

/** What remains equal on the way from a producer to a reader. */
export function content({ key, value, headers }: Sent): Sent {
  return { key, value, headers: headers.map(([name, text]) => [name, text] as const) };
}
