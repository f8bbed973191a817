import { NetworkError, type Address, type Attributes } from "@ottla/host";
import type { MetadataVersions } from "@ottla/metadata";
import { uuidFromText, uuidToText, type ErrorName, type Uuid } from "@ottla/protocol";
import type { Peer } from "./options.ts";

/** What two controllers tell each other when one opens a stream to the other, as attributes of the session in both directions. */
export interface Greeting {
  readonly nodeId: number;
  readonly directoryId: Uuid;
  /** Null as long as it knows of none. */
  readonly clusterId: string | null;
  /** It holds no entry, knows no voters and belongs to no cluster. */
  readonly empty: boolean;
  /** Its configured voters, see {@link listText}. */
  readonly listed: string;
  readonly term: number;
  readonly address: Address;
  readonly metadataVersions: MetadataVersions;
}

/** A voter list in a form that is equal for equal lists. */
export function listText(peers: readonly Peer[]): string {
  return peers
    .toSorted((one, other) => one.nodeId - other.nodeId)
    .map(({ nodeId, address: { host, port } }) => `${nodeId}@${host}:${port}`)
    .join(",");
}

export function greetingAttributes(greeting: Greeting): Attributes {
  const { nodeId, directoryId, clusterId, empty, listed, term, address, metadataVersions } = greeting;
  return {
    "ottla-node-id": String(nodeId),
    "ottla-directory-id": uuidToText(directoryId),
    "ottla-empty": String(empty),
    "ottla-voters": listed,
    "ottla-term": String(term),
    "ottla-address": `${address.host}:${address.port}`,
    "ottla-metadata-versions": `${metadataVersions.min}-${metadataVersions.max}`,
    ...(clusterId === null ? {} : { "ottla-cluster-id": clusterId }),
  };
}

/** @throws NetworkError rejected: not a greeting of a controller */
export function readGreeting(attributes: Attributes): Greeting {
  const address = attributes["ottla-address"] ?? "";
  const colon = address.lastIndexOf(":");
  return {
    nodeId: whole(attributes, "ottla-node-id"),
    directoryId: directoryIdIn(attributes["ottla-directory-id"] ?? ""),
    clusterId: attributes["ottla-cluster-id"] ?? null,
    empty: attributes["ottla-empty"] === "true",
    listed: attributes["ottla-voters"] ?? "",
    term: whole(attributes, "ottla-term"),
    address: { host: address.slice(0, Math.max(0, colon)), port: Number(address.slice(colon + 1)) },
    metadataVersions: rangeIn(attributes["ottla-metadata-versions"] ?? ""),
  };
}

/** Whether the two may talk at all.
 * @throws NetworkError that says which setting is wrong */
export function checkGreeting(theirs: Greeting, own: Greeting, expected: string | undefined): void {
  if (expected !== undefined && expected !== String(own.nodeId))
    throw refused(
      "WRONG_NODE",
      `This is node ${own.nodeId}, the dialling controller expected node ${expected}; correct the address of node ${expected}`,
    );
  if (theirs.nodeId === own.nodeId)
    throw refused(
      "WRONG_NODE",
      `Both controllers have node id ${own.nodeId}; give each node an id of its own (node.id) and correct the addresses`,
    );
  if (own.clusterId !== null && theirs.clusterId !== null && own.clusterId !== theirs.clusterId)
    throw refused(
      "INCONSISTENT_CLUSTER_ID",
      `Controller ${own.nodeId} belongs to cluster ${own.clusterId}, controller ${theirs.nodeId} to cluster ${theirs.clusterId}; correct the address, or remove the data directory of the wrong one`,
    );
}

export function refused(code: ErrorName, message: string): NetworkError {
  return new NetworkError({ kind: "rejected", code, message });
}

function whole(attributes: Attributes, name: string): number {
  const text = attributes[name] ?? "";
  const value = Number(text);
  if (text === "" || !Number.isSafeInteger(value) || value < 0)
    throw refused("INVALID_REQUEST", `A stream between controllers needs ${name}, a number, not "${text}"`);
  return value;
}

/** Who says nothing of it knows the first level alone. */
function rangeIn(text: string): MetadataVersions {
  const [, min, max] = /^(\d{1,9})-(\d{1,9})$/.exec(text) ?? [];
  return min === undefined || max === undefined ? { min: 1, max: 1 } : { min: Number(min), max: Number(max) };
}

function directoryIdIn(text: string): Uuid {
  try {
    return uuidFromText(text);
  } catch {
    throw refused("INVALID_REQUEST", `A stream between controllers needs ottla-directory-id, an id of 22 characters, not "${text}"`);
  }
}
