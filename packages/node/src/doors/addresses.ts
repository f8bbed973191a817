import type { Address } from "@ottla/host";
import { formatAddress } from "@ottla/protocol";

/** As others reach a door on this address: by the machine's name when it listens on every interface. */
export function reachable({ host, port }: Address, hostName: string): Address {
  return { host: isWildcard(host) ? hostName : host, port };
}

/** As programs on this machine reach it. */
export function local({ host, port }: Address): string {
  return formatAddress({ host: isWildcard(host) ? "127.0.0.1" : host, port });
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
