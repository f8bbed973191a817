import type { Address } from "@ottla/host";
import { OptionError } from "../errors.ts";
import { show } from "../options.ts";

const DEFAULT_PORT = 9093;

/** Reads `host:port`, `host` (port 9093) or `[::1]:port`. */
export function parseBootstrap(bootstrap: string | readonly string[]): readonly [Address, ...Address[]] {
  const entries = (typeof bootstrap === "string" ? bootstrap.split(",") : bootstrap).map((entry) => parseAddress(entry));
  const [first, ...rest] = entries;
  if (first === undefined)
    throw new OptionError("bootstrap", `Cannot use bootstrap: []: name at least one broker, such as "localhost:${DEFAULT_PORT}"`);
  return [first, ...rest];
}

export function showAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function parseAddress(entry: unknown): Address {
  const parts = typeof entry === "string" ? /^\s*(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+))(?::(\d{1,5}))?\s*$/.exec(entry) : null;
  const host = parts?.[1] ?? parts?.[2];
  const port = parts?.[3] === undefined ? DEFAULT_PORT : Number(parts[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new OptionError(
      "bootstrap",
      `Cannot use bootstrap entry ${show(entry)}: it must be host:port with a port from 1 to 65535, such as "localhost:${DEFAULT_PORT}"`,
    );
  }
  return { host, port };
}
