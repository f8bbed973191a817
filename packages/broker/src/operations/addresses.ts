import type { Address } from "@ottla/host";
import type { pb } from "@ottla/protocol";
import type { BrokerParts, RequestContext } from "./context.ts";

/** Where this client reaches a broker. Other nodes go by what they registered; this one by the address that the client dialled, which works
 * for that client, also through a mapped port; unless the configuration says under which address it is reached.
 *
 * Brokers behind a port mapping advertise several addresses, in the same order at each: a client is told those at the place where the address
 * that it dialled stands in this broker's list, else the first.
 * @returns null for a broker without a door for clients */
export function addressOf({ nodeId, config, image }: BrokerParts, { dialled }: RequestContext, broker: pb.BrokerRecord): Address | null {
  const own = config.grpcAdvertisedListeners;
  if (broker.nodeId === nodeId && dialled !== null && own.length === 0) return { host: dialled.host, port: dialled.port };
  const place = dialled === null ? -1 : doors(image.brokers.get(nodeId)).findIndex((address) => same(address, dialled));
  const all = doors(broker);
  return all[place] ?? all[0] ?? null;
}

function doors(broker: pb.BrokerRecord | undefined): Address[] {
  return (broker?.endpoints ?? []).filter(({ listener }) => listener === "GRPC").map(({ host, port }) => ({ host, port }));
}

const loopback = new Set(["localhost", "127.0.0.1", "::1"]);

function same(a: Address, b: Address): boolean {
  return a.port === b.port && (a.host === b.host || (loopback.has(a.host) && loopback.has(b.host)));
}
