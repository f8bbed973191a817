import { NetworkError, type Address } from "../network.ts";
import type { MemoryListener } from "./memory-listener.ts";

/** What connects the machines of one simulation. */
export class MemoryCables {
  /** By host name and port. */
  readonly listeners = new Map<string, MemoryListener>();
  nextPort = 40_000;
}

export function nameOf({ host, port }: Address): string {
  return `${host}:${port}`;
}

export function rejected(code: string, message: string): NetworkError {
  return new NetworkError({ kind: "rejected", code, message });
}

export function cannotListen(at: Address, kind: "refused" | "unreachable", code: string, why: string): NetworkError {
  return new NetworkError({ kind, code, message: `Cannot listen on ${nameOf(at)}: ${why} (${code})` });
}
