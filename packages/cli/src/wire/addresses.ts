import { kafka } from "@ottla/protocol";
import { isObject } from "./conversation.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** APIs whose answers name brokers' addresses. */
const naming = new Set(["Metadata", "FindCoordinator", "DescribeCluster", "Produce", "Fetch"]);

/** The answer with each address of a broker replaced; null when there is none in it, so that it is passed on as it is. */
export async function redirected(
  api: kafka.Api,
  version: number,
  correlationId: number,
  fields: unknown,
  redirect: (address: Address) => Promise<Address>,
): Promise<Uint8Array[] | null> {
  if (!naming.has(api.name)) return null;
  let changed = false;
  const visit = async (value: unknown): Promise<unknown> => {
    if (Array.isArray(value)) return Promise.all(value.map(visit));
    if (!isObject(value) || value instanceof Uint8Array) return value;
    const entries = await Promise.all(Object.entries(value).map(async ([name, field]) => [name, await visit(field)] as const));
    const copy: Record<string, unknown> = Object.fromEntries(entries);
    const { host, port } = copy;
    if (typeof host !== "string" || host === "" || typeof port !== "number" || port <= 0) return copy;
    changed = true;
    return { ...copy, ...(await redirect({ host, port })) };
  };
  const body = await visit(fields);
  return changed ? kafka.encodeResponse(api as kafka.Api<unknown, unknown>, version, correlationId, body) : null;
}
