import type { Host } from "../host.ts";

export function nodeHost(): Host {
  throw new Error("not ready");
}
