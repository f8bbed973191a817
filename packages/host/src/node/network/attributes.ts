import assert from "node:assert";
import type { Metadata } from "@grpc/grpc-js";
import type { Attributes } from "../../network.ts";

const PREFIX = "ottla-";

/** gRPC metadata hold printable ASCII only; everything else and the percent sign are percent-encoded. */
export function writeAttributes(attributes: Attributes, metadata: Metadata): void {
  for (const [name, value] of Object.entries(attributes)) {
    assert(name.startsWith(PREFIX), `the attribute "${name}" of a session does not begin with "${PREFIX}"`);
    metadata.set(name, encodeText(value));
  }
}

export function readAttributes(metadata: Metadata): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata.getMap())) {
    if (name.startsWith(PREFIX) && typeof value === "string") attributes[name] = decodeText(value);
  }
  return attributes;
}

export function encodeText(text: string): string {
  return wellFormed(text).replaceAll(/[^ -$&-~]/gu, encodeURIComponent);
}

/** Half surrogate pairs cannot be encoded. */
export function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, "\ufffd");
}

export function decodeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Another implementation sent a bare percent sign.
    return text;
  }
}
