import { assert, uuidFromBytes, type pb, type Uuid } from "@ottla/protocol";

/** A topic as a {@link ClusterImage} holds it: a live view that later deltas change. */
export interface TopicImage {
  readonly id: Uuid;
  readonly idBytes: Uint8Array;
  readonly name: string;
  /** By partition number, without gaps. A record is replaced when it changes, never changed itself. */
  readonly partitions: readonly pb.PartitionRecord[];
  /** Settings of this topic alone. */
  readonly configs: ReadonlyMap<string, string>;
}

export class MutableTopicImage implements TopicImage {
  readonly id: Uuid;
  readonly idBytes: Uint8Array;
  readonly name: string;
  readonly partitions: pb.PartitionRecord[] = [];
  readonly configs = new Map<string, string>();

  constructor(record: pb.TopicRecord) {
    this.id = uuidFromBytes(record.topicId);
    this.idBytes = record.topicId.slice();
    this.name = record.name;
  }

  setPartition(record: pb.PartitionRecord): void {
    const { partition } = record;
    assert(
      partition <= this.partitions.length,
      `partition ${partition} of topic ${this.name} comes after ${this.partitions.length} partitions`,
    );
    // One copy of the id for all partitions: the record's own is a view that would keep the whole message alive.
    this.partitions[partition] = { ...record, topicId: this.idBytes };
  }
}
