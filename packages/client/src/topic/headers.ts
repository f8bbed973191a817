/** An ordered list, in which keys may repeat and values may be null; or a plain object when they need not. */
export type HeadersInput = readonly (readonly [key: string, value: string | Uint8Array | null])[] | Readonly<Record<string, string | Uint8Array | null>>;
