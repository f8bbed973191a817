import type { Uuid } from "@ottla/protocol";
import type { Cluster } from "../connection/cluster.ts";
import type { TopicInfo } from "../connection/topics.ts";
import type { ConsumeError } from "../errors.ts";
import { lostTopic } from "./assignment.ts";
import { Partition } from "./partition.ts";
import type { Wanted } from "./settings.ts";

/** The topics that `assign` names, kept fresh: what becomes of them while they are consumed. */
export class AssignedTopics {
  readonly #cluster: Cluster;
  readonly #wanted: readonly Wanted[];
  readonly #ids = new Map<string, Uuid>();
  readonly #endings: (() => void)[] = [];

  constructor(cluster: Cluster, wanted: readonly Wanted[]) {
    this.#cluster = cluster;
    this.#wanted = wanted;
  }

  watch(): void {
    for (const name of new Set(this.#wanted.map((each) => each.name))) this.#endings.push(this.#cluster.metadata.watch(name, false));
  }

  /** They have been found. `changed` is called whenever something was heard of the cluster from now on. */
  found(topics: readonly TopicInfo[], changed: () => void): void {
    for (const { name, id } of topics) this.#ids.set(name, id);
    this.#endings.push(this.#cluster.metadata.onChange(changed));
  }

  /** Why one of them cannot be consumed any more, if so. */
  lost(): ConsumeError | null {
    for (const [name, id] of this.#ids) {
      const lost = lostTopic(this.#cluster, name, id);
      if (lost !== null) return lost;
    }
    return null;
  }

  /** The partitions that each topic of which all are consumed has beyond those of `consumed`. */
  *added(consumed: readonly Partition[]): Generator<Partition[]> {
    for (const name of this.#ids.keys()) {
      const info = this.#cluster.metadata.topic(name);
      const whole = this.#wanted.find((each) => each.name === name && each.partition === null);
      if (info === undefined || whole === undefined) continue;
      const known = consumed.filter(({ topic }) => topic.name === name).length;
      const added = info.partitions.slice(known).map(({ partition }) => new Partition(info, partition, whole.codecs));
      if (added.length > 0) yield added;
    }
  }

  end(): void {
    for (const end of this.#endings.splice(0)) end();
  }
}
