import type { pb } from "@ottla/protocol";

/** What one broker carries. */
interface Load {
  replicas: number;
  leaders: number;
  /** Partitions that it leads when all is well: it is the first of their replicas. */
  preferred: number;
}

const noLoad: Readonly<Load> = { replicas: 0, leaders: 0, preferred: 0 };
const none: ReadonlySet<pb.PartitionRecord> = new Set();

/** Partitions by what is looked for when a broker comes or goes: a decision costs what it changes, not what there is. */
export class PartitionIndex {
  readonly #byNode = new Map<number, Set<pb.PartitionRecord>>();
  readonly #loads = new Map<number, Load>();
  readonly #leaderless = new Set<pb.PartitionRecord>();
  readonly #away = new Set<pb.PartitionRecord>();
  readonly #moving = new Set<pb.PartitionRecord>();

  /** That have a replica there, complete or not. */
  on(nodeId: number): ReadonlySet<pb.PartitionRecord> {
    return this.#byNode.get(nodeId) ?? none;
  }

  get leaderless(): ReadonlySet<pb.PartitionRecord> {
    return this.#leaderless;
  }

  /** Led by another than the first of their replicas. */
  get away(): ReadonlySet<pb.PartitionRecord> {
    return this.#away;
  }

  /** With a reassignment under way. */
  get moving(): ReadonlySet<pb.PartitionRecord> {
    return this.#moving;
  }

  load(nodeId: number): Readonly<Load> {
    return this.#loads.get(nodeId) ?? noLoad;
  }

  change(before: pb.PartitionRecord | null, after: pb.PartitionRecord | null): void {
    if (before) {
      for (const nodeId of before.replicas) this.#byNode.get(nodeId)?.delete(before);
      this.#leaderless.delete(before);
      this.#away.delete(before);
      this.#moving.delete(before);
      this.#weigh(before, -1);
    }
    if (after) {
      for (const nodeId of after.replicas) this.#setOf(nodeId).add(after);
      if (after.leader === -1) this.#leaderless.add(after);
      else if (after.leader !== after.replicas[0]) this.#away.add(after);
      if (after.adding.length > 0 || after.removing.length > 0) this.#moving.add(after);
      this.#weigh(after, 1);
    }
  }

  #setOf(nodeId: number): Set<pb.PartitionRecord> {
    let partitions = this.#byNode.get(nodeId);
    if (!partitions) this.#byNode.set(nodeId, (partitions = new Set()));
    return partitions;
  }

  #weigh({ replicas, leader }: pb.PartitionRecord, by: 1 | -1): void {
    for (const nodeId of replicas) this.#loadOf(nodeId).replicas += by;
    const [preferred] = replicas;
    if (preferred !== undefined) this.#loadOf(preferred).preferred += by;
    if (leader >= 0) this.#loadOf(leader).leaders += by;
  }

  #loadOf(nodeId: number): Load {
    let load = this.#loads.get(nodeId);
    if (!load) this.#loads.set(nodeId, (load = { ...noLoad }));
    return load;
  }
}
