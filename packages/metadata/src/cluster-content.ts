import { assert, uuidFromBytes, uuidToBytes, type pb, type Uuid } from "@ottla/protocol";
import type { ChangeCollector } from "./image-change.ts";
import { MutableTopicImage } from "./topic-image.ts";

const RESOURCE_TOPIC = 2;
const RESOURCE_BROKER = 4;

/** The tables of an image and what each record means to them. */
export class ClusterContent {
  cluster: pb.ClusterRecord | null = null;
  /** Those of the founding, until they are replaced. */
  voters: readonly pb.Voter[] = [];
  readonly features = new Map<string, number>();
  readonly brokers = new Map<number, pb.BrokerRecord>();
  readonly topics = new Map<Uuid, MutableTopicImage>();
  readonly topicsByName = new Map<string, MutableTopicImage>();
  readonly deletedTopics = new Map<Uuid, pb.DeletedTopicRecord>();
  readonly brokerDefaults = new Map<string, string>();

  apply({ record }: pb.MetadataRecord, change: ChangeCollector): void {
    switch (record.case) {
      case "cluster":
        this.cluster = { ...record.value, voters: ownVoters(record.value.voters) };
        this.voters = this.cluster.voters;
        return;
      case "voters":
        this.voters = ownVoters(record.value.voters);
        return;
      case "feature":
        this.features.set(record.value.name, record.value.level);
        return;
      case "broker":
        this.brokers.set(record.value.nodeId, {
          ...record.value,
          incarnation: record.value.incarnation.slice(),
          directoryId: record.value.directoryId.slice(),
        });
        change.brokers.add(record.value.nodeId);
        return;
      case "removeBroker":
        this.brokers.delete(record.value.nodeId);
        change.brokers.add(record.value.nodeId);
        return;
      case "topic":
        return this.#addTopic(new MutableTopicImage(record.value), change);
      case "removeTopic":
        return this.#removeTopic(uuidFromBytes(record.value.topicId), change);
      case "partition":
        return this.#touch(uuidFromBytes(record.value.topicId), change).setPartition(record.value);
      case "config":
        return this.#setConfig(record.value, change);
      case "deletedTopic": {
        const homes = record.value.homes.map((home) => ({ ...home, directoryId: home.directoryId.slice() }));
        this.deletedTopics.set(uuidFromBytes(record.value.topicId), { topicId: record.value.topicId.slice(), homes });
        return;
      }
      case "forgetDeletedTopic":
        this.deletedTopics.delete(uuidFromBytes(record.value.topicId));
        return;
      case "producerIds":
      case "offset":
      case "removeOffset":
      case "reply":
      case "removeReply":
      case "event":
      case undefined:
        throw new Error(
          `Cannot apply a metadata record of type ${record.case ?? "unknown to this version"}: brokers follow cluster records only; run a version of Ottla that knows it`,
        );
      default: {
        const unhandled: never = record;
        throw new Error(`Invariant broken: no meaning for ${JSON.stringify(unhandled)}`);
      }
    }
  }

  *records(): Iterable<pb.MetadataRecord> {
    if (this.cluster) yield { record: { case: "cluster", value: this.cluster } };
    if (this.cluster && this.voters !== this.cluster.voters)
      yield { record: { case: "voters", value: { voters: [...this.voters], replacing: [] } } };
    for (const [name, level] of this.features) yield { record: { case: "feature", value: { name, level } } };
    for (const value of this.brokers.values()) yield { record: { case: "broker", value } };
    for (const [name, value] of this.brokerDefaults) yield config(RESOURCE_BROKER, "", name, value);
    for (const topic of this.topics.values()) {
      yield { record: { case: "topic", value: { topicId: topic.idBytes, name: topic.name } } };
      for (const value of topic.partitions) yield { record: { case: "partition", value } };
      for (const [name, value] of topic.configs) yield config(RESOURCE_TOPIC, topic.id, name, value);
    }
    for (const [id, { homes }] of this.deletedTopics)
      yield { record: { case: "deletedTopic", value: { topicId: uuidToBytes(id), homes } } };
  }

  #addTopic(topic: MutableTopicImage, change: ChangeCollector): void {
    assert(!this.topics.has(topic.id), `topic ${topic.id} is there already`);
    this.topics.set(topic.id, topic);
    this.topicsByName.set(topic.name, topic);
    change.topics.add(topic.id);
  }

  #removeTopic(id: Uuid, change: ChangeCollector): void {
    const topic = this.#topic(id);
    this.topics.delete(id);
    this.topicsByName.delete(topic.name);
    change.topics.delete(id);
    change.deleted.add(id);
  }

  #setConfig(record: pb.ConfigRecord, change: ChangeCollector): void {
    assert(
      record.resourceType === RESOURCE_TOPIC || record.resource === "",
      `a setting of resource ${record.resourceType} "${record.resource}"`,
    );
    const configs =
      record.resourceType === RESOURCE_TOPIC ? this.#touch(uuidFromHex(record.resource), change).configs : this.brokerDefaults;
    if (record.value === undefined) configs.delete(record.name);
    else configs.set(record.name, record.value);
    if (configs === this.brokerDefaults) change.configs = true;
  }

  #touch(id: Uuid, change: ChangeCollector): MutableTopicImage {
    change.topics.add(id);
    return this.#topic(id);
  }

  #topic(id: Uuid): MutableTopicImage {
    const topic = this.topics.get(id);
    assert(topic !== undefined, `there is no topic ${id}`);
    return topic;
  }
}

function config(resourceType: number, resource: string, name: string, value: string): pb.MetadataRecord {
  return { record: { case: "config", value: { resourceType, resource, name, value } } };
}

function ownVoters(voters: readonly pb.Voter[]): pb.Voter[] {
  return voters.map((voter) => ({ ...voter, directoryId: voter.directoryId.slice() }));
}

function uuidFromHex(digits: string): Uuid {
  assert(/^[0-9a-f]{32}$/.test(digits), `"${digits}" is not a topic id in hexadecimal digits`);
  return digits as Uuid;
}
