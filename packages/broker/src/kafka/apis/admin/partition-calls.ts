import { type pb, ProtocolError, uuidFromBytes } from "@ottla/protocol";
import type { KafkaParts } from "../../api.ts";
import type { Outcome, Outcomes } from "./outcomes.ts";

/** A partition that a request names, and how it went with it. */
export interface NamedOutcome extends Outcome {
  readonly topic: string;
  readonly partition: number;
}

/** Gathers the outcomes of a request about partitions, which clients name by topic. */
export class PartitionOutcomes {
  readonly #door: KafkaParts;
  readonly #outcomes: Outcomes;
  readonly #named: NamedOutcome[] = [];

  constructor(door: KafkaParts, outcomes: Outcomes) {
    this.#door = door;
    this.#outcomes = outcomes;
  }

  /** The id of the topic, if the partition can be spoken of at all; else its outcome is noted. */
  topicIdOf(topic: string, partition: number): Uint8Array | null {
    const idBytes = this.#door.parts.image.topicByName(topic)?.idBytes;
    if (idBytes !== undefined && partition >= 0) return idBytes;
    this.refuse(
      topic,
      partition,
      new ProtocolError("UNKNOWN_TOPIC_OR_PARTITION", `There is no partition ${partition} of a topic "${topic}"`),
    );
    return null;
  }

  refuse(topic: string, partition: number, error: ProtocolError): void {
    this.#named.push({ topic, partition, ...this.#outcomes.failed(error) });
  }

  add(partitions: readonly pb.PartitionOutcome[]): void {
    for (const outcome of partitions) {
      // A topic that has been deleted meanwhile has no name to be answered under.
      const topic = this.#door.parts.image.topic(uuidFromBytes(outcome.topicId))?.name;
      if (topic !== undefined) this.#named.push({ topic, partition: outcome.partition, ...this.#outcomes.of(outcome) });
    }
  }

  byTopic(): Map<string, NamedOutcome[]> {
    const topics = new Map<string, NamedOutcome[]>();
    for (const outcome of this.#named) {
      const listed = topics.get(outcome.topic);
      if (listed === undefined) topics.set(outcome.topic, [outcome]);
      else listed.push(outcome);
    }
    return topics;
  }
}
