import { assert, type pb, type Uuid } from "@ottla/protocol";
import { ClusterContent } from "./cluster-content.ts";
import { ChangeCollector, type ImageChange } from "./image-change.ts";
import type { TopicImage } from "./topic-image.ts";

/** The cluster as the controller's log says it is, up to {@link index}. Applying a delta costs what it changes; what was read before
 * from the image may change with it. It never goes backwards. */
export class ClusterImage {
  #content = new ClusterContent();
  #index = 0;
  #term = 0;
  #controllerId = -1;
  /** A whole image of which not all messages have come; it counts only when it is complete. */
  #incoming: { readonly index: number; readonly content: ClusterContent; parts: number } | null = null;

  /** Of the controller's log: everything up to here is in the image. 0 before the first delta. */
  get index(): number {
    return this.#index;
  }

  get term(): number {
    return this.#term;
  }

  /** -1 while none leads. */
  get controllerId(): number {
    return this.#controllerId;
  }

  get clusterId(): string | null {
    return this.#content.cluster?.clusterId ?? null;
  }

  get voters(): readonly pb.Voter[] {
    return this.#content.voters;
  }

  get brokers(): ReadonlyMap<number, pb.BrokerRecord> {
    return this.#content.brokers;
  }

  get features(): ReadonlyMap<string, number> {
    return this.#content.features;
  }

  /** Topics that are gone, whose logs may still lie on the named replicas. */
  get deletedTopics(): ReadonlyMap<Uuid, pb.DeletedTopicRecord> {
    return this.#content.deletedTopics;
  }

  /** Topic settings that hold for the whole cluster, above the nodes' own and below a topic's. */
  brokerDefaults(): ReadonlyMap<string, string> {
    return this.#content.brokerDefaults;
  }

  topic(id: Uuid): TopicImage | undefined {
    return this.#content.topics.get(id);
  }

  topicByName(name: string): TopicImage | undefined {
    return this.#content.topicsByName.get(name);
  }

  topics(): Iterable<TopicImage> {
    return this.#content.topics.values();
  }

  get topicCount(): number {
    return this.#content.topics.size;
  }

  /** @throws Error for a record of a type that this version does not know, or a delta of the past */
  apply(delta: pb.MetadataDelta): ImageChange {
    assert(delta.index >= this.#index, `a delta leads to index ${delta.index}, the image is at ${this.#index}`);
    if (delta.snapshot) return this.#applySnapshot(delta);
    this.#incoming = null;
    const change = new ChangeCollector(false);
    for (const record of delta.records) this.#content.apply(record, change);
    this.#advance(delta);
    return change;
  }

  /** The image as records: applied to an empty image they give this one. */
  records(): Iterable<pb.MetadataRecord> {
    return this.#content.records();
  }

  #applySnapshot(delta: pb.MetadataDelta): ImageChange {
    const incoming = delta.part === 0 || !this.#incoming ? { index: delta.index, content: new ClusterContent(), parts: 0 } : this.#incoming;
    assert(
      delta.part === incoming.parts && delta.index === incoming.index,
      `part ${delta.part} of the image at index ${delta.index} came after ${incoming.parts} parts of the one at ${incoming.index}`,
    );
    this.#incoming = incoming;
    incoming.parts++;
    const { content } = incoming;
    for (const record of delta.records) content.apply(record, new ChangeCollector(true));
    if (!delta.complete) return new ChangeCollector(false);
    const former = this.#content;
    this.#content = content;
    this.#incoming = null;
    this.#advance(delta);
    return wholeChange(former, content);
  }

  #advance(delta: pb.MetadataDelta): void {
    this.#index = delta.index;
    this.#term = delta.term;
    this.#controllerId = delta.controllerId;
  }
}

function wholeChange(former: ClusterContent, content: ClusterContent): ImageChange {
  const change = new ChangeCollector(true);
  for (const id of content.topics.keys()) change.topics.add(id);
  for (const id of former.topics.keys()) if (!content.topics.has(id)) change.deleted.add(id);
  for (const id of [...former.brokers.keys(), ...content.brokers.keys()]) change.brokers.add(id);
  change.configs = true;
  return change;
}
