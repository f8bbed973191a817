import { assert, uuidFromBytes, type pb, type Uuid } from "@ottla/protocol";
import { Digest } from "./digest.ts";
import { encodeFact, factKey, keys, type Fact, type FactKey } from "./fact.ts";
import { own } from "./own.ts";
import { Brokers } from "./tables/brokers.ts";
import { Events } from "./tables/events.ts";
import { Offsets } from "./tables/offsets.ts";
import { Replies } from "./tables/replies.ts";
import { Topics } from "./tables/topics.ts";

export const RESOURCE_TOPIC = 2;
export const RESOURCE_BROKER = 4;

/** What happened to one key: `before` undoes it, `after` is what a checkpoint keeps. */
export interface Change {
  readonly key: FactKey;
  readonly before: Fact | null;
  readonly after: Fact | null;
}

/** Everything the controllers have decided, as facts under keys, with tables to find them by. Only {@link replay} and {@link undo} change it,
 * and they decide nothing: every replica that replays the same records has the same state and digest. */
export class State {
  readonly #facts = new Map<FactKey, Fact>();
  readonly #digest = new Digest();
  cluster: pb.ClusterRecord | null = null;
  #voters: pb.VotersRecord | null = null;
  readonly features = new Map<string, number>();
  readonly brokers = new Brokers();
  readonly topics = new Topics();
  readonly deletedTopics = new Map<Uuid, pb.DeletedTopicRecord>();
  readonly brokerDefaults = new Map<string, string>();
  readonly offsets = new Offsets();
  readonly replies = new Replies();
  readonly events = new Events();
  nextProducerId = 0;

  get size(): number {
    return this.#facts.size;
  }

  get voters(): readonly pb.Voter[] {
    return this.votersRecord.voters;
  }

  /** The newest that names them; at first the founding does. */
  get votersRecord(): pb.VotersRecord {
    return this.#voters ?? { voters: this.cluster?.voters ?? [], replacing: [] };
  }

  get digest(): Uint8Array {
    return this.#digest.bytes();
  }

  get(key: FactKey): Fact | undefined {
    return this.#facts.get(key);
  }

  keys(): Iterable<FactKey> {
    return this.#facts.keys();
  }

  facts(): Iterable<[FactKey, Fact]> {
    return this.#facts;
  }

  /** @returns the bytes of the values it set
   * @throws Error for a record of a type that this version does not know: a node that cannot follow must stop */
  replay({ record }: pb.MetadataRecord, changes: Change[]): number {
    switch (record.case) {
      case "removeBroker":
        return this.#remove(keys.broker(record.value.nodeId), changes);
      case "removeTopic":
        return this.#removeTopic(uuidFromBytes(record.value.topicId), changes);
      case "forgetDeletedTopic":
        return this.#remove(keys.deletedTopic(uuidFromBytes(record.value.topicId)), changes);
      case "removeOffset":
        return this.#remove(keys.offset(uuidFromBytes(record.value.topicId), record.value.partition, record.value.group), changes);
      case "removeReply":
        for (const { nodeId, sequence } of [...this.replies.of(record.value.nodeId)])
          if (sequence < record.value.belowSequence) this.#remove(keys.reply(nodeId, sequence), changes);
        return 0;
      case "config":
        if (record.value.value === undefined) return this.#remove(factKey(record), changes);
        return this.#set(factKey(record), own(record, this.topics), changes);
      case undefined:
        throw new Error(
          "Cannot replay a record of the controller's log: its type is unknown to this version of Ottla; run the version that wrote it, or a newer one",
        );
      default:
        return this.#set(factKey(record), own(record, this.topics), changes);
    }
  }

  /** Takes back changes that were the last ones. */
  undo(changes: readonly Change[]): void {
    for (let at = changes.length - 1; at >= 0; at--) {
      const change = changes[at];
      if (!change) continue;
      assert(this.#facts.get(change.key) === (change.after ?? undefined), `${change.key} changed again before its change was undone`);
      this.#change(change.key, change.after, change.before);
    }
  }

  #removeTopic(id: Uuid, changes: Change[]): number {
    const topic = this.topics.get(id);
    assert(topic !== undefined, `topic ${id} is removed, but not there`);
    for (const offset of [...this.offsets.ofTopic(id)]) this.#remove(keys.offset(id, offset.partition, offset.group), changes);
    for (const name of [...topic.configs.keys()]) this.#remove(keys.config(RESOURCE_TOPIC, id, name), changes);
    for (let partition = topic.partitions.length - 1; partition >= 0; partition--) this.#remove(keys.partition(id, partition), changes);
    return this.#remove(keys.topic(id), changes);
  }

  #set(key: FactKey, after: Fact, changes: Change[]): number {
    const before = this.#facts.get(key) ?? null;
    changes.push({ key, before, after });
    return this.#change(key, before, after);
  }

  #remove(key: FactKey, changes: Change[]): number {
    const before = this.#facts.get(key);
    if (!before) return 0;
    changes.push({ key, before, after: null });
    return this.#change(key, before, null);
  }

  #change(key: FactKey, before: Fact | null, after: Fact | null): number {
    let bytes = 0;
    if (before) this.#digest.subtract(encodeFact(before));
    if (after) {
      const encoded = encodeFact(after);
      bytes = encoded.length;
      this.#digest.add(encoded);
      this.#facts.set(key, after);
    } else {
      this.#facts.delete(key);
    }
    this.#place(key, before, after);
    return bytes;
  }

  #place(key: FactKey, before: Fact | null, after: Fact | null): void {
    const fact = after ?? before;
    if (!fact) return;
    switch (fact.case) {
      case "cluster":
        this.cluster = value("cluster", after);
        return;
      case "voters":
        this.#voters = value("voters", after);
        return;
      case "event":
        return this.events.change(value("event", before), value("event", after));
      case "feature":
        if (after) this.features.set(fact.value.name, fact.value.level);
        else this.features.delete(fact.value.name);
        return;
      case "broker":
        return this.brokers.change(value("broker", before), value("broker", after));
      case "topic":
        return this.topics.changeTopic(value("topic", before), value("topic", after));
      case "partition":
        return this.topics.changePartition(value("partition", before), value("partition", after));
      case "config":
        return this.#placeConfig(fact.value, after ? fact.value.value : undefined);
      case "deletedTopic":
        if (after) this.deletedTopics.set(uuidFromBytes(fact.value.topicId), fact.value);
        else this.deletedTopics.delete(uuidFromBytes(fact.value.topicId));
        return;
      case "producerIds":
        this.nextProducerId = value("producerIds", after)?.nextId ?? 0;
        return;
      case "offset":
        return this.offsets.change(key, value("offset", before), value("offset", after));
      case "reply":
        return this.replies.change(value("reply", before), value("reply", after));
    }
  }

  #placeConfig(record: pb.ConfigRecord, setTo: string | undefined): void {
    if (record.resourceType === RESOURCE_TOPIC) return this.topics.setConfig(topicOfResource(record.resource), record.name, setTo);
    assert(
      record.resourceType === RESOURCE_BROKER && record.resource === "",
      `a setting of resource ${record.resourceType} "${record.resource}"`,
    );
    if (setTo === undefined) this.brokerDefaults.delete(record.name);
    else this.brokerDefaults.set(record.name, setTo);
  }
}

function topicOfResource(resource: string): Uuid {
  assert(/^[0-9a-f]{32}$/.test(resource), `"${resource}" is not a topic id in hexadecimal digits`);
  return resource as Uuid;
}

type FactValues = { readonly [F in Fact as F["case"]]: F["value"] };

function value<Case extends Fact["case"]>(kind: Case, fact: Fact | null): FactValues[Case] | null {
  if (!fact) return null;
  assert(isOf(kind, fact), `a ${fact.case} stands under the key of a ${kind}`);
  return fact.value;
}

function isOf<Case extends Fact["case"]>(kind: Case, fact: Fact): fact is Fact & { case: Case; value: FactValues[Case] } {
  return fact.case === kind;
}
