import { pb, uuidFromBytes } from "@ottla/protocol";

type AnyRecord = pb.MetadataRecord["record"];

/** A record that states something: under its key it stands in the state until another replaces or removes it. */
export type Fact = Extract<
  AnyRecord,
  {
    case:
      | "cluster"
      | "voters"
      | "feature"
      | "broker"
      | "topic"
      | "partition"
      | "config"
      | "deletedTopic"
      | "producerIds"
      | "offset"
      | "reply"
      | "event";
  }
>;

/** A key of the state. In byte order a fact comes after those it refers to: brokers, topic, partitions by number, and so on. */
export type FactKey = string;

const CLUSTER = "0/cluster";
const VOTERS = "0/voters";
const PRODUCER_IDS = "7/producer-ids";

/** Events that are kept. */
const MAX_EVENTS = 1000;

export const keys = {
  cluster: (): FactKey => CLUSTER,
  voters: (): FactKey => VOTERS,
  feature: (name: string): FactKey => `1/feature/${name}`,
  broker: (nodeId: number): FactKey => `2/broker/${nodeId}`,
  topic: (topicId: string): FactKey => `3/topic/${topicId}`,
  partition: (topicId: string, partition: number): FactKey => `4/partition/${topicId}/${sortable(partition)}`,
  config: (resourceType: number, resource: string, name: string): FactKey => `5/config/${resourceType}/${resource}/${name}`,
  deletedTopic: (topicId: string): FactKey => `6/deleted-topic/${topicId}`,
  producerIds: (): FactKey => PRODUCER_IDS,
  offset: (topicId: string, partition: number, group: string): FactKey => `8/offset/${topicId}/${sortable(partition)}/${group}`,
  reply: (nodeId: number, sequence: number): FactKey => `9/reply/${nodeId}/${sequence}`,
  /** A later event takes the place of the one so many before it. */
  event: (number: number): FactKey => `a/event/${sortable(number % MAX_EVENTS)}`,
};

export function factKey(fact: Fact): FactKey {
  switch (fact.case) {
    case "cluster":
      return CLUSTER;
    case "voters":
      return VOTERS;
    case "feature":
      return keys.feature(fact.value.name);
    case "broker":
      return keys.broker(fact.value.nodeId);
    case "topic":
      return keys.topic(uuidFromBytes(fact.value.topicId));
    case "partition":
      return keys.partition(uuidFromBytes(fact.value.topicId), fact.value.partition);
    case "config":
      return keys.config(fact.value.resourceType, fact.value.resource, fact.value.name);
    case "deletedTopic":
      return keys.deletedTopic(uuidFromBytes(fact.value.topicId));
    case "producerIds":
      return PRODUCER_IDS;
    case "offset":
      return keys.offset(uuidFromBytes(fact.value.topicId), fact.value.partition, fact.value.group);
    case "reply":
      return keys.reply(fact.value.nodeId, fact.value.sequence);
    case "event":
      return keys.event(fact.value.number);
  }
}

/** What is hashed, logged and kept in checkpoints. It holds the fact's key as well. */
export function encodeFact(fact: Fact): Uint8Array {
  return pb.MetadataRecord.encode({ record: fact });
}

/** @throws ProtocolError INVALID_REQUEST, or an Error for a record that states nothing */
export function decodeFact(bytes: Uint8Array): Fact {
  const { record } = pb.MetadataRecord.decode(bytes);
  switch (record.case) {
    case "removeBroker":
    case "removeTopic":
    case "forgetDeletedTopic":
    case "removeOffset":
    case "removeReply":
    case undefined:
      throw new Error(`Cannot keep a record of type ${record.case ?? "unknown to this version"} as a value`);
    default:
      return record;
  }
}

/** Whether brokers follow records of this type. */
export function isClusterRecord(record: AnyRecord): boolean {
  switch (record.case) {
    case "producerIds":
    case "offset":
    case "removeOffset":
    case "reply":
    case "removeReply":
    case "event":
      return false;
    default:
      return true;
  }
}

function sortable(number: number): string {
  return number.toString(16).padStart(8, "0");
}
