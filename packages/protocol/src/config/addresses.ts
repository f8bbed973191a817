import type { Address } from "@ottla/host";
import { splitList } from "./kinds.ts";
import { BadValue, type Setting, type Warn } from "./setting.ts";

export interface Voter {
  readonly nodeId: number;
  readonly address: Address;
}

interface AddressOptions {
  readonly default: readonly Address[];
  /** The names that may stand before `://`. */
  readonly names: readonly string[];
  readonly use: "listen" | "advertise";
  readonly allowEmpty: boolean;
  readonly doc: string;
  readonly defaultText?: string;
}

/** `host:port` or `NAME://host:port`, several with commas between them. */
export function addresses(options: AddressOptions): Setting<readonly Address[]> {
  const minPort = options.use === "listen" ? 0 : 1;
  const allowed = `host:port (port ${minPort} to 65535, IPv6 in brackets as in [::1]:9093), optionally ${options.names.map((name) => `${name}://`).join(" or ")} before it, several with commas between them${options.allowEmpty ? ", or nothing" : ""}`;
  return {
    type: "list",
    default: options.default,
    ...(options.defaultText === undefined ? {} : { defaultText: options.defaultText }),
    allowed,
    doc: options.doc,
    parse(text, warn) {
      const parsed = splitList(text).flatMap((entry) => parseEntry(entry, options, minPort, warn));
      const seen = new Set<string>();
      for (const address of parsed.filter(({ port }) => port !== 0)) {
        if (seen.has(formatAddress(address))) throw new BadValue(`names ${formatAddress(address)} twice; leave one of them`);
        seen.add(formatAddress(address));
      }
      if (parsed.length === 0 && !options.allowEmpty) throw new BadValue(`must be ${allowed}`);
      return parsed;
    },
    format: (value) => value.map(formatAddress).join(","),
  };
}

function parseEntry(entry: string, options: AddressOptions, minPort: number, warn: Warn): Address[] {
  const named = /^([A-Za-z][A-Za-z0-9_-]*):\/\/(.*)$/.exec(entry);
  const [name, rest] = named === null ? [undefined, entry] : [named[1]?.toUpperCase(), named[2] ?? ""];
  if (name === "CONTROLLER") {
    warn(`the entry ${entry} is ignored: controllers are not reached through this listener`);
    return [];
  }
  if (name !== undefined && !options.names.includes(name)) {
    const secure = /SSL|SASL|TLS|HTTPS/.test(name)
      ? "; encryption and authentication are not in this version, and the door is not opened without them in their place"
      : "";
    throw new BadValue(`has the listener name ${name}, which must be ${options.names.join(" or ")}${secure}`);
  }
  return [endpoint(rest, entry, options.use, minPort)];
}

/** Without a host: every interface, where one may listen.
 * @param whole what it is part of, for the error text */
export function endpoint(text: string, whole: string, use: "listen" | "advertise", minPort: number): Address {
  const address = parseAddress(text, whole, minPort);
  if (address.host !== "") return address;
  if (use === "advertise") throw new BadValue(`has no host in "${whole}"; name the host that clients dial`);
  return { host: "0.0.0.0", port: address.port };
}

function parseAddress(text: string, whole: string, minPort: number): Address {
  const match = /^(?:\[([0-9A-Fa-f:.%A-Za-z0-9]+)\]|([^:[\]/@\s]*)):(\d{1,5})$/.exec(text);
  if (match === null) {
    const colons = text.split(":").length - 1;
    const hint =
      colons > 1 && !text.includes("[")
        ? "; an IPv6 address stands in brackets, as in [::1]:9093"
        : "; write host:port, such as 127.0.0.1:9093";
    throw new BadValue(`has the entry "${whole}", which is not host:port${hint}`);
  }
  const port = Number(match[3]);
  if (port < minPort || port > 65_535) throw new BadValue(`has port ${port} in "${whole}"; a port is a number from ${minPort} to 65535`);
  return { host: match[1] ?? match[2] ?? "", port };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `1@host:9095`, several with commas between them. */
export function voters(options: { default: readonly Voter[]; defaultText: string; doc: string }): Setting<readonly Voter[]> {
  const allowed = "<node id>@host:port, such as 1@localhost:9095, several with commas between them";
  return {
    type: "list",
    default: options.default,
    defaultText: options.defaultText,
    allowed,
    doc: options.doc,
    parse(text) {
      const parsed = splitList(text).map((entry) => {
        const match = /^(\d{1,10})@(.+)$/.exec(entry);
        const nodeId = Number(match?.[1]);
        if (match?.[2] === undefined || nodeId > 2_147_483_647) throw new BadValue(`has the entry "${entry}", which is not ${allowed}`);
        return { nodeId, address: parseAddress(match[2], entry, 1) };
      });
      if (parsed.length === 0) throw new BadValue(`must be ${allowed}`);
      const ids = new Map<number, string>();
      const places = new Map<string, number>();
      for (const { nodeId, address } of parsed) {
        const place = formatAddress(address);
        if (ids.has(nodeId))
          throw new BadValue(`names node ${nodeId} twice, at ${ids.get(nodeId)} and ${place}; each voter has its own id`);
        if (places.has(place))
          throw new BadValue(`has nodes ${places.get(place)} and ${nodeId} both at ${place}; each voter has its own address`);
        ids.set(nodeId, place);
        places.set(place, nodeId);
      }
      return parsed;
    },
    format: (value) => value.map(({ nodeId, address }) => `${nodeId}@${formatAddress(address)}`).join(","),
  };
}
