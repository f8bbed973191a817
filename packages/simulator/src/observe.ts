import type { Broker } from "@ottla/broker";
import type { Cluster } from "./cluster/cluster.ts";
import type { ObservedNode, QuorumInspection, ReplicaInspection } from "./invariants/inspection.ts";
import type { Observed } from "./invariants/ledger.ts";
import type { Machine } from "./machine/machine.ts";

type Partition = ReturnType<Broker["inspect"]>["replicas"] extends Iterable<infer P> ? P : never;

/** A cluster as the invariants see it; asked for once there is something to look at. */
export function observe(cluster: () => Cluster, relaxed: boolean): Observed {
  let nodes: readonly Observation[] | null = null;
  return {
    get nodes() {
      nodes ??= cluster().everyone.map((machine) => new Observation(machine));
      return nodes;
    },
    relaxed,
    logOf: (nodeId, log) => cluster().machine(nodeId).logs.logs.get(log),
    damaged: (nodeId) => cluster().machine(nodeId).damaged,
  };
}

class Observation implements ObservedNode {
  readonly #machine: Machine;
  readonly #replicas = new WeakMap<Partition, Replica>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  get nodeId(): number {
    return this.#machine.nodeId;
  }

  takeNews(): boolean {
    const { touched } = this.#machine;
    this.#machine.touched = false;
    return touched;
  }

  get running(): boolean {
    return this.#machine.up;
  }

  get lives(): number {
    return this.#machine.lives;
  }

  get brokerEpoch(): number | null {
    return this.#machine.broker?.inspect().brokerEpoch ?? null;
  }

  get imageIndex(): number | null {
    return this.#machine.broker?.inspect().image.index ?? null;
  }

  get quorum(): QuorumInspection | null {
    return this.#machine.controller?.inspect() ?? null;
  }

  get replicas(): Iterable<ReplicaInspection> {
    return this.#all();
  }

  *#all(): Iterable<ReplicaInspection> {
    for (const partition of this.#machine.broker?.inspect().replicas ?? []) {
      let replica = this.#replicas.get(partition);
      if (replica === undefined) this.#replicas.set(partition, (replica = new Replica(partition)));
      yield replica;
    }
  }
}

class Replica implements ReplicaInspection {
  readonly log: string;
  readonly #partition: Partition;

  constructor(partition: Partition) {
    this.#partition = partition;
    this.log = `${partition.topicId}-${partition.index}`;
  }

  get role(): "leader" | "follower" | "none" {
    return this.#partition.role;
  }

  get leaderEpoch(): number {
    return this.#partition.roleEpoch;
  }

  get highWatermark(): number {
    return this.#partition.highWatermark;
  }

  get startOffset(): number {
    return this.#partition.log.startOffset;
  }

  get isr(): readonly number[] {
    return this.#partition.leader?.inSync.committed ?? [];
  }

  get maximalIsr(): readonly number[] {
    return this.#partition.leader?.inSync.maximal ?? [];
  }

  get minInSync(): number {
    return this.#partition.leader?.minInSync ?? 0;
  }

  get endOffset(): number {
    return this.#partition.log.endOffset;
  }

  epochAt(offset: number): number | null {
    return this.#partition.log.epochAt(offset);
  }

  epochStart(epoch: number): number | null {
    return this.#partition.log.epochStart(epoch);
  }
}
