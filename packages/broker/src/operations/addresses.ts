import type { Address } from "@ottla/host";
import type { pb } from "@ottla/protocol";
import type { BrokerParts, RequestContext } from "./context.ts";

/** Where this client reaches a broker. Other nodes go by what they registered; this one by the address that the client dialled, which works
 * for that client, also through a mapped port; unless the configuration says under which address it is reached. Listeners for Kafka's clients have
 * names: a client is told those of the name through which it came.
 *
 * Brokers behind a port mapping advertise several addresses of their gRPC door, in the same order at each: a client is told those at the place where
 * the address that it dialled stands in this broker's list, else the first.
 * @returns null for a broker without such a door */
export function addressOf(
  { nodeId, config, image }: BrokerParts,
  { listener, dialled }: RequestContext,
  broker: pb.BrokerRecord,
): Address | null {
  const advertised =
    listener === "GRPC" ? config.grpcAdvertisedListeners.length > 0 : config.advertisedListeners.some(({ name }) => name === listener);
  if (broker.nodeId === nodeId && dialled !== null && !advertised) return { host: dialled.host, port: dialled.port };
  const all = doors(broker, listener);
  if (listener !== "GRPC") return all[0] ?? null;
  const place = dialled === null ? -1 : doors(image.brokers.get(nodeId), listener).findIndex((address) => same(address, dialled));
  return all[place] ?? all[0] ?? null;
}

/** Where this client reaches the brokers of these ids, as far as they are there and have such a door. */
export function endpointsOf(parts: BrokerParts, context: RequestContext, nodeIds: Iterable<number>): pb.BrokerEndpoint[] {
  return [...new Set(nodeIds)].flatMap((nodeId) => {
    const broker = parts.image.brokers.get(nodeId);
    if (broker === undefined || broker.fenced) return [];
    const address = addressOf(parts, context, broker);
    return address === null ? [] : [{ nodeId, ...address, rack: broker.rack }];
  });
}

/** Kafka's tools want a controller among the brokers that they know: any broker carries out what they ask of it. */
export function controllerAmong(brokers: readonly { readonly nodeId: number }[], { image, nodeId }: BrokerParts): number {
  const listed = (id: number): boolean => brokers.some((broker) => broker.nodeId === id);
  if (listed(image.controllerId)) return image.controllerId;
  return listed(nodeId) ? nodeId : (brokers[0]?.nodeId ?? -1);
}

function doors(broker: pb.BrokerRecord | undefined, name: string): Address[] {
  return (broker?.endpoints ?? []).filter(({ listener }) => listener === name).map(({ host, port }) => ({ host, port }));
}

const loopback = new Set(["localhost", "127.0.0.1", "::1"]);

function same(a: Address, b: Address): boolean {
  return a.port === b.port && (a.host === b.host || (loopback.has(a.host) && loopback.has(b.host)));
}
