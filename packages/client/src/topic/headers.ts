import type { Header } from "@ottla/protocol";
import { utf8Bytes } from "./codec.ts";

/** An ordered list, in which keys may repeat and values may be null; or a plain object when they need not. */
export type HeadersInput =
  | readonly (readonly [key: string, value: string | Uint8Array | null])[]
  | Readonly<Record<string, string | Uint8Array | null>>;

/** @throws TypeError naming the header */
export function toHeaders(input: HeadersInput): Header[] {
  const pairs = Array.isArray(input) ? input : Object.entries(input);
  return pairs.map(([key, value]: readonly [unknown, unknown]) => {
    if (typeof key !== "string") throw new TypeError(`the key of a header must be text, not ${typeof key}`);
    if (typeof value === "string") return { key, value: utf8Bytes(value) };
    if (value === null || value instanceof Uint8Array) return { key, value };
    throw new TypeError(`the value of header "${key}" must be text, bytes or null, not ${typeof value}`);
  });
}
