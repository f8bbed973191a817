import { uuidFromBytes, type pb, type Uuid } from "@ottla/protocol";
import { keys, type FactKey } from "../fact.ts";

/** Committed offsets, reachable by group and by topic; a commit costs the same however many there are. */
export class Offsets {
  readonly #byGroup = new Map<string, Map<FactKey, pb.OffsetRecord>>();
  readonly #byTopic = new Map<Uuid, Map<FactKey, pb.OffsetRecord>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get groupCount(): number {
    return this.#byGroup.size;
  }

  get(group: string, topicId: Uuid, partition: number): pb.OffsetRecord | undefined {
    return this.#byTopic.get(topicId)?.get(keys.offset(topicId, partition, group));
  }

  /** Undefined when the group has none. */
  ofGroup(group: string): Iterable<pb.OffsetRecord> | undefined {
    return this.#byGroup.get(group)?.values();
  }

  ofTopic(topicId: Uuid): Iterable<pb.OffsetRecord> {
    return this.#byTopic.get(topicId)?.values() ?? [];
  }

  groups(): Iterable<[group: string, offsets: ReadonlyMap<FactKey, pb.OffsetRecord>]> {
    return this.#byGroup;
  }

  change(key: FactKey, before: pb.OffsetRecord | null, after: pb.OffsetRecord | null): void {
    const either = after ?? before;
    if (!either) return;
    place(this.#byGroup, either.group, key, after);
    place(this.#byTopic, uuidFromBytes(either.topicId), key, after);
    this.#count += (after ? 1 : 0) - (before ? 1 : 0);
  }
}

function place<Outer>(index: Map<Outer, Map<FactKey, pb.OffsetRecord>>, outer: Outer, key: FactKey, record: pb.OffsetRecord | null): void {
  let inner = index.get(outer);
  if (record) {
    if (!inner) index.set(outer, (inner = new Map()));
    inner.set(key, record);
  } else if (inner) {
    inner.delete(key);
    if (inner.size === 0) index.delete(outer);
  }
}
