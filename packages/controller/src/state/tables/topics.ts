import { assert, uuidFromBytes, type pb, type Uuid } from "@ottla/protocol";
import { PartitionIndex } from "./partition-index.ts";

export interface Topic {
  readonly id: Uuid;
  /** The one copy of the id that all facts about the topic share. */
  readonly idBytes: Uint8Array;
  readonly name: string;
  readonly partitions: readonly pb.PartitionRecord[];
  readonly configs: ReadonlyMap<string, string>;
}

interface MutableTopic extends Topic {
  readonly partitions: pb.PartitionRecord[];
  readonly configs: Map<string, string>;
}

/** Topics with their partitions and settings. */
export class Topics {
  readonly #byId = new Map<Uuid, MutableTopic>();
  /** By the one copy of the id that facts share. */
  readonly #byIdBytes = new Map<Uint8Array, MutableTopic>();
  readonly #byName = new Map<string, MutableTopic>();
  /** By name with every '.' as '_': two topics of one such name would share their metrics. */
  readonly #byMetricName = new Map<string, MutableTopic>();
  readonly partitions = new PartitionIndex();
  #partitionCount = 0;

  get(id: Uuid): Topic | undefined {
    return this.#byId.get(id);
  }

  byName(name: string): Topic | undefined {
    return this.#byName.get(name);
  }

  byMetricName(name: string): Topic | undefined {
    return this.#byMetricName.get(metricName(name));
  }

  all(): Iterable<Topic> {
    return this.#byId.values();
  }

  get count(): number {
    return this.#byId.size;
  }

  get partitionCount(): number {
    return this.#partitionCount;
  }

  /** That the partition belongs to. */
  of({ topicId }: pb.PartitionRecord): Topic {
    return this.#mutable(topicId);
  }

  changeTopic(before: pb.TopicRecord | null, after: pb.TopicRecord | null): void {
    assert(before === null || after === null, `topic ${before?.name} became ${after?.name}: a topic is never renamed`);
    if (after) {
      const topic = {
        id: uuidFromBytes(after.topicId),
        idBytes: after.topicId,
        name: after.name,
        partitions: [],
        configs: new Map<string, string>(),
      };
      assert(!this.#byName.has(after.name), `two topics are named ${after.name}`);
      this.#byId.set(topic.id, topic);
      this.#byIdBytes.set(topic.idBytes, topic);
      this.#byName.set(topic.name, topic);
      this.#byMetricName.set(metricName(topic.name), topic);
    } else if (before) {
      const topic = this.#find(uuidFromBytes(before.topicId));
      assert(
        topic.partitions.length === 0 && topic.configs.size === 0,
        `topic ${topic.name} goes with ${topic.partitions.length} partitions and ${topic.configs.size} settings`,
      );
      this.#byId.delete(topic.id);
      this.#byIdBytes.delete(topic.idBytes);
      this.#byName.delete(topic.name);
      this.#byMetricName.delete(metricName(topic.name));
    }
  }

  changePartition(before: pb.PartitionRecord | null, after: pb.PartitionRecord | null): void {
    const either = after ?? before;
    if (!either) return;
    const { partitions, name } = this.#mutable(either.topicId);
    if (after) {
      assert(
        after.partition <= partitions.length,
        `partition ${after.partition} of topic ${name} comes after ${partitions.length} partitions`,
      );
      partitions[after.partition] = after;
    } else {
      assert(
        either.partition === partitions.length - 1,
        `partition ${either.partition} of topic ${name} goes before the ${partitions.length - 1} after it`,
      );
      partitions.pop();
    }
    this.partitions.change(before, after);
    this.#partitionCount += (after ? 1 : 0) - (before ? 1 : 0);
  }

  setConfig(id: Uuid, name: string, value: string | undefined): void {
    const { configs } = this.#find(id);
    if (value === undefined) configs.delete(name);
    else configs.set(name, value);
  }

  #mutable(topicId: Uint8Array): MutableTopic {
    return this.#byIdBytes.get(topicId) ?? this.#find(uuidFromBytes(topicId));
  }

  #find(id: Uuid): MutableTopic {
    const topic = this.#byId.get(id);
    assert(topic !== undefined, `there is no topic ${id}`);
    return topic;
  }
}

function metricName(name: string): string {
  return name.replaceAll(".", "_");
}
