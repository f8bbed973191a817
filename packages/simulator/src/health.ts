import { type Clock, delay } from "@ottla/host";
import type { Cluster } from "./cluster/cluster.ts";
import type { Invariants } from "./invariants/invariants.ts";
import { Violation } from "./invariants/violation.ts";

/** Whether a cluster is whole again, and which of its nodes may lose data while it is not. */
export class Health {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #invariants: Invariants;
  /** Has lost data or may have, and since then not all replicas were in sync. */
  #losing: number | null = null;

  constructor(cluster: Cluster, clock: Clock, invariants: Invariants) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#invariants = invariants;
  }

  /** All nodes serve, and all replicas are in sync. */
  get whole(): boolean {
    const { partitions } = this.#invariants.decisions;
    return (
      this.#cluster.machines.every(({ serving }) => serving) &&
      partitions.size > 0 &&
      [...partitions.values()].every(({ record }) => record.leader >= 0 && record.isr.length === record.replicas.length)
    );
  }

  /** Whole, and nothing is left of deleted topics and of replicas that have moved away. */
  get tidy(): boolean {
    return this.whole && this.#superfluous().length === 0;
  }

  /** As many may have lost data at a time as there may be without anything acknowledged being lost: one. */
  mayLoseData(nodeId: number): boolean {
    if (this.whole) this.#losing = null;
    if (this.#cluster.machines.length === 1 || !this.#cluster.machine(nodeId).serving) return false;
    if (this.#losing !== null && this.#losing !== nodeId) return false;
    // Of two voters, which an operator has left for a while, none can be done without.
    if (!this.#allVote) return false;
    // Damage that nobody has read yet is a loss too.
    if (this.#cluster.machines.some((machine) => machine.damaged && machine.nodeId !== nodeId)) return false;
    this.#losing = nodeId;
    return true;
  }

  /** @returns how long it took
   * @throws Violation named by the target when it is missed */
  async until(target: string, limitMs: number, after: string, reached: () => boolean): Promise<number> {
    const beganMs = this.#clock.monotonicMs();
    while (!reached()) {
      if (this.#clock.monotonicMs() - beganMs > limitMs)
        throw new Violation(target, `${limitMs} ms after ${after} the cluster is not whole: ${this.#state()}`);
      await delay(this.#clock, 20);
    }
    return this.#clock.monotonicMs() - beganMs;
  }

  /** Every controller that can be asked knows all machines as voters. */
  get #allVote(): boolean {
    const { machines } = this.#cluster;
    return machines.every(({ controller }) => (controller?.inspect()?.voters.length ?? machines.length) === machines.length);
  }

  #superfluous(): string[] {
    const { partitions } = this.#invariants.decisions;
    return this.#cluster.everyone.flatMap(({ nodeId, logs, serving, old }) =>
      [...logs.logs.keys()]
        .filter((log) => serving && partitions.get(log)?.record.replicas.includes(nodeId) !== true && (!old || partitions.has(log)))
        .map((log) => `${this.#invariants.nameOf(log)} at node ${nodeId}`),
    );
  }

  #state(): string {
    const { partitions } = this.#invariants.decisions;
    const nodes = this.#cluster.machines.map(
      ({ nodeId, up, serving, broker }) =>
        `node ${nodeId} ${serving ? "serves" : up ? "is starting" : "is down"}${broker === null ? "" : ` (${broker.health.reasons.join("; ")})`}`,
    );
    const behind = [...partitions]
      .filter(([, { record }]) => record.leader < 0 || record.isr.length < record.replicas.length)
      .map(
        ([log, { record }]) =>
          `${this.#invariants.nameOf(log)}: leader ${record.leader}, in sync ${record.isr.join(",")} of ${record.replicas.join(",")}`,
      );
    const left = this.#superfluous().map((log) => `${log} is still there`);
    return [...nodes, ...behind, ...left].join("; ");
  }
}
