import type { Address } from "@ottla/host";
import { endpoint, formatAddress } from "./addresses.ts";
import { splitList } from "./kinds.ts";
import { BadValue, type Setting, type Warn } from "./setting.ts";

/** One door for Kafka's clients, by its name. */
export interface NamedListener extends Address {
  readonly name: string;
}

const DEFAULT_NAME = "PLAINTEXT";

/** `NAME://host:port`, several with commas between them, as in Kafka; an entry without a name is PLAINTEXT. */
export function listeners(options: { use: "listen" | "advertise"; defaultText: string; doc: string }): Setting<readonly NamedListener[]> {
  const { use } = options;
  const minPort = use === "listen" ? 0 : 1;
  const allowed = `NAME://host:port (port ${minPort} to 65535, IPv6 in brackets), several with commas between them, each with a name of its own${use === "advertise" ? ", or nothing" : ""}`;
  return {
    type: "list",
    default: [],
    defaultText: options.defaultText,
    allowed,
    doc: options.doc,
    parse(text, warn) {
      const parsed = splitList(text).flatMap((entry) => parseListener(entry, use, minPort, warn));
      refuseTwice(parsed, ({ name }) => name, "the listener name");
      refuseTwice(
        parsed.filter(({ port }) => port !== 0),
        (each) => formatAddress(each),
        "the address",
      );
      if (parsed.length === 0 && use === "listen") throw new BadValue(`must be ${allowed}`);
      return parsed;
    },
    format: (value) => value.map((each) => `${each.name}://${formatAddress(each)}`).join(","),
  };
}

function parseListener(entry: string, use: "listen" | "advertise", minPort: number, warn: Warn): NamedListener[] {
  const match = /^(?:([A-Za-z][A-Za-z0-9._-]*):\/\/)?(.*)$/.exec(entry);
  const name = (match?.[1] ?? DEFAULT_NAME).toUpperCase();
  if (name === "CONTROLLER") {
    warn(`the entry ${entry} is ignored: controllers are reached through node.listeners`);
    return [];
  }
  return [{ name, ...endpoint(match?.[2] ?? "", entry, use, minPort) }];
}

function refuseTwice(parsed: readonly NamedListener[], key: (listener: NamedListener) => string, what: string): void {
  const seen = new Set<string>();
  for (const listener of parsed) {
    if (seen.has(key(listener))) throw new BadValue(`has ${what} ${key(listener)} twice; each listener has its own`);
    seen.add(key(listener));
  }
}

/** `NAME:PROTOCOL`, several with commas between them. */
export function protocolMap(options: { default: ReadonlyMap<string, string>; doc: string }): Setting<ReadonlyMap<string, string>> {
  const allowed = "NAME:PROTOCOL, several with commas between them; the protocols are PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL";
  const protocols = new Set(options.default.keys());
  return {
    type: "list",
    default: options.default,
    allowed,
    doc: options.doc,
    parse(text) {
      const map = new Map<string, string>();
      for (const entry of splitList(text)) {
        const match = /^([A-Za-z][A-Za-z0-9._-]*):([A-Za-z_]+)$/.exec(entry);
        const [name, protocol] = [match?.[1]?.toUpperCase(), match?.[2]?.toUpperCase()];
        if (name === undefined || protocol === undefined || !protocols.has(protocol))
          throw new BadValue(`has the entry "${entry}", which is not ${allowed}`);
        if (map.has(name)) throw new BadValue(`names ${name} twice; leave one of them`);
        map.set(name, protocol);
      }
      return map;
    },
    format: (value) => [...value].map(([name, protocol]) => `${name}:${protocol}`).join(","),
  };
}
