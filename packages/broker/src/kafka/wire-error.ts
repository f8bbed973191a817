import { errors, type ErrorName, type ProtocolError } from "@ottla/protocol";

/** Codes from here on are our own. */
const OWN_CODES = 10_000;

/** An error that clients know from a version of an API on, and what they were told of the same before. Kafka raises the version of an API for it, and
 * a client takes a code that it does not know for one that it cannot get over. */
interface Newcomer {
  /** By API; every version of one that is not listed knows it. */
  readonly since: Readonly<Record<string, number>>;
  /** Of the listed APIs alone. */
  readonly only?: boolean;
  readonly before: ErrorName;
  /** Of APIs whose clients knew something else. */
  readonly beforeIn?: Readonly<Record<string, ErrorName>>;
}

const newcomers: { readonly [Name in ErrorName]?: Newcomer } = {
  KAFKA_STORAGE_ERROR: { since: { Produce: 4, Fetch: 6 }, before: "NOT_LEADER_OR_FOLLOWER" },
  LISTENER_NOT_FOUND: { since: { Metadata: 6 }, before: "LEADER_NOT_AVAILABLE" },
  FENCED_LEADER_EPOCH: { since: { Fetch: 9, ListOffsets: 4, OffsetForLeaderEpoch: 2 }, before: "NOT_LEADER_OR_FOLLOWER" },
  UNKNOWN_LEADER_EPOCH: { since: { Fetch: 9, ListOffsets: 4, OffsetForLeaderEpoch: 2 }, before: "NOT_LEADER_OR_FOLLOWER" },
  // Java's consumers throw when a fetch is answered with the one that offsets are.
  OFFSET_NOT_AVAILABLE: {
    since: { Fetch: 11, ListOffsets: 5 },
    before: "LEADER_NOT_AVAILABLE",
    beforeIn: { Fetch: "NOT_LEADER_OR_FOLLOWER" },
  },
  UNKNOWN_TOPIC_ID: { since: { Produce: 13, Fetch: 13, Metadata: 10, DeleteTopics: 6 }, only: true, before: "UNKNOWN_TOPIC_OR_PARTITION" },
  INCONSISTENT_TOPIC_ID: {
    since: { Produce: 13, Fetch: 13, Metadata: 10, DeleteTopics: 6 },
    only: true,
    before: "UNKNOWN_TOPIC_OR_PARTITION",
  },
  THROTTLING_QUOTA_EXCEEDED: { since: { CreateTopics: 6, DeleteTopics: 5, CreatePartitions: 3 }, before: "REQUEST_TIMED_OUT" },
  PRODUCER_FENCED: { since: { InitProducerId: 4 }, before: "INVALID_PRODUCER_EPOCH" },
};

/** @param api its name, as Kafka has it
 * @returns the code that clients understand who ask for this version of the API */
export function wireCode(api: string, version: number, error: ErrorName): number {
  const newcomer = newcomers[error];
  const since = newcomer?.since[api] ?? (newcomer?.only === true ? Infinity : 0);
  const told = newcomer !== undefined && version < since ? (newcomer.beforeIn?.[api] ?? newcomer.before) : error;
  const { code } = errors[told];
  return code < OWN_CODES ? code : errors.UNKNOWN_SERVER_ERROR.code;
}

/** The same for an error with a text, which travels beside the code where the API has room for it. */
export function wireError(api: { readonly name: string }, version: number, { error }: ProtocolError): number {
  return wireCode(api.name, version, error);
}
