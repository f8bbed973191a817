import { type ErrorName, type kafka, ProtocolError, type Uuid } from "@ottla/protocol";
import { endpointsOf } from "../../../operations/addresses.ts";
import type { BrokerParts, RequestContext } from "../../../operations/context.ts";
import { leaderHint } from "../../../operations/find-partition.ts";

/** No topic has this id: a name that no topic has leads to the same error as an id that none has. */
const NO_TOPIC = "00000000000000000000000000000000" as Uuid;

export function topicIdOf({ image }: BrokerParts, name: string): Uuid {
  return image.topicByName(name)?.id ?? NO_TOPIC;
}

/** Who asks by name knows no ids. */
export function sayByName(error: ProtocolError, name: string): { readonly error: ErrorName; readonly message: string } {
  if (error.error !== "UNKNOWN_TOPIC_ID") return error;
  return {
    error: "UNKNOWN_TOPIC_OR_PARTITION",
    message: `There is no topic "${name}": it was deleted, or this broker has not heard of it yet; refresh the metadata`,
  };
}

export function namedTwice(topic: string, partition: number): ProtocolError {
  return new ProtocolError("INVALID_REQUEST", `The request names partition ${partition} of ${topic} twice`);
}

type Endpoints = NonNullable<kafka.FetchResponse["nodeEndpoints"]>;

const NOBODY: Endpoints = [];

/** The leaders that one answer names, so that its client need not ask for metadata first (KIP-951). */
export class NamedLeaders {
  readonly #parts: BrokerParts;
  #nodeIds: Set<number> | null = null;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /** Who leads instead; nothing for errors of another kind. */
  instead(error: ProtocolError, topicId: Uuid, partition: number): { leaderId: number; leaderEpoch: number } | undefined {
    if (error.error !== "NOT_LEADER_OR_FOLLOWER" && error.error !== "FENCED_LEADER_EPOCH") return undefined;
    const hint = leaderHint(this.#parts, topicId, partition);
    if (hint === undefined) return undefined;
    this.#nodeIds ??= new Set();
    this.#nodeIds.add(hint.nodeId);
    return { leaderId: hint.nodeId, leaderEpoch: hint.leaderEpoch };
  }

  /** Where this client reaches them. */
  endpoints(context: RequestContext): Endpoints {
    if (this.#nodeIds === null) return NOBODY;
    return endpointsOf(this.#parts, context, this.#nodeIds).map((one) => ({ ...one, rack: one.rack === "" ? null : one.rack }));
  }
}
