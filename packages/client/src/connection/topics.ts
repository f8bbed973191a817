import type { Logger } from "@ottla/host";
import type { pb } from "@ottla/protocol";
import { errorName, uuidFromBytes, type ErrorName, type Uuid } from "@ottla/protocol";

export interface PartitionInfo {
  readonly partition: number;
  /** Node id; -1: none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly offline: readonly number[];
}

export interface TopicInfo {
  readonly name: string;
  readonly id: Uuid;
  readonly idBytes: Uint8Array;
  readonly partitions: readonly PartitionInfo[];
}

export interface TopicProblem {
  readonly error: ErrorName;
  readonly message: string;
  /** Monotonic: since when the brokers answer so. */
  readonly sinceMs: number;
  /** Not even the controllers knew it. */
  readonly certain: boolean;
}

/** What is known of topics. Brokers learn at different speeds: per partition an answer of an older leader epoch than seen is dropped. */
export class Topics {
  readonly #logger: Logger;
  readonly #byName = new Map<string, TopicInfo>();
  readonly #byId = new Map<Uuid, TopicInfo>();
  readonly #problems = new Map<string, TopicProblem>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  byName(name: string): TopicInfo | undefined {
    return this.#byName.get(name);
  }

  byId(id: Uuid): TopicInfo | undefined {
    return this.#byId.get(id);
  }

  problem(name: string): TopicProblem | undefined {
    return this.#problems.get(name);
  }

  forget(name: string): void {
    const known = this.#byName.get(name);
    if (known !== undefined) this.#byId.delete(known.id);
    this.#byName.delete(name);
    this.#problems.delete(name);
  }

  /** @param current the broker had heard of all there was when it was asked */
  apply(answers: readonly pb.TopicMetadata[], current: boolean, nowMs: number): void {
    for (const answer of answers) {
      if (answer.errorCode === 0) this.#learn(answer);
      else if (answer.name !== "") this.#note(answer, current, nowMs);
    }
  }

  /** A broker said who leads. Returns whether that was news. */
  hint(id: Uuid, partition: number, leader: number, leaderEpoch: number): boolean {
    const topic = this.#byId.get(id);
    const known = topic?.partitions[partition];
    if (topic === undefined || known === undefined || leaderEpoch <= known.leaderEpoch) return false;
    this.#store({ ...topic, partitions: topic.partitions.with(partition, { ...known, leader, leaderEpoch }) });
    return true;
  }

  #learn(answer: pb.TopicMetadata): void {
    const id = uuidFromBytes(answer.topicId);
    const known = this.#byName.get(answer.name);
    const before = known?.id === id ? known.partitions : [];
    if (known !== undefined && known.id !== id) {
      this.#logger.warn({ topic: answer.name }, "the topic was deleted and created again: it has another id");
      this.#byId.delete(known.id);
    }
    const told = answer.partitions.toSorted((one, other) => one.partition - other.partition);
    if (told.some((info, index) => info.partition !== index)) {
      this.#logger.warn({ topic: answer.name }, "an answer about a topic has holes in its partitions; dropped");
      return;
    }
    const partitions = Array.from({ length: Math.max(told.length, before.length) }, (_, partition) =>
      newer(before[partition], told[partition]),
    );
    this.#problems.delete(answer.name);
    this.#store({
      name: answer.name,
      id,
      idBytes: new Uint8Array(answer.topicId),
      partitions: partitions.filter((info) => info !== undefined),
    });
  }

  #note(answer: pb.TopicMetadata, certain: boolean, nowMs: number): void {
    const error = errorName(answer.errorCode);
    const before = this.#problems.get(answer.name);
    const sinceMs = before?.error === error ? before.sinceMs : nowMs;
    this.#problems.set(answer.name, { error, message: answer.errorMessage, sinceMs, certain });
  }

  #store(topic: TopicInfo): void {
    this.#byName.set(topic.name, topic);
    this.#byId.set(topic.id, topic);
  }
}

function newer(known: PartitionInfo | undefined, told: PartitionInfo | undefined): PartitionInfo | undefined {
  if (known === undefined || told === undefined) return known ?? told;
  return told.leaderEpoch < known.leaderEpoch ? known : told;
}
