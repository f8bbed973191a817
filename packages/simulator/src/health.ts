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
    return this.#cluster.machines.every(({ gone }) => !gone) && this.healed;
  }

  /** All nodes that are not gone serve, and exactly their replicas are in sync. */
  get healed(): boolean {
    const { partitions } = this.#invariants.decisions;
    return (
      this.#cluster.remaining.every(({ serving }) => serving) &&
      partitions.size > 0 &&
      [...partitions.values()].every(
        ({ record }) =>
          record.leader >= 0 && record.replicas.every((node) => record.isr.includes(node) !== this.#cluster.machine(node).gone),
      )
    );
  }

  /** Healed, and nothing is left of deleted topics and of replicas that have moved away. */
  get tidy(): boolean {
    return this.healed && this.#superfluous().length === 0;
  }

  /** As many may have lost data at a time as there may be without anything acknowledged being lost: one. */
  mayLoseData(nodeId: number): boolean {
    if (this.whole) this.#losing = null;
    if (this.#cluster.machines.length === 1 || !this.#cluster.machine(nodeId).serving) return false;
    // Those that remain when one is gone are all that is left.
    if (this.#cluster.machines.some(({ gone }) => gone)) return false;
    if (this.#losing !== null && this.#losing !== nodeId) return false;
    // Of two voters, which an operator has left for a while, none can be done without.
    if (!this.#allVote) return false;
    // Damage that nobody has read yet is a loss too.
    if (this.#cluster.machines.some((machine) => machine.damaged && machine.nodeId !== nodeId)) return false;
    this.#losing = nodeId;
    return true;
  }

  /** The others can do without it for ever: all hold what it holds, and vote. */
  mayBeGone(nodeId: number): boolean {
    return this.whole && this.#allVoteAsTheyAre && this.mayLoseData(nodeId);
  }

  /** @returns how long it took
   * @throws Violation named by the target when it is missed */
  async until(
    target: string,
    limitMs: number,
    after: string,
    reached: () => boolean,
    missing = "the cluster is not whole",
  ): Promise<number> {
    const beganMs = this.#clock.monotonicMs();
    while (!reached()) {
      if (this.#clock.monotonicMs() - beganMs > limitMs)
        throw new Violation(target, `${limitMs} ms after ${after} ${missing}: ${this.#state()}`);
      await delay(this.#clock, 20);
    }
    return this.#clock.monotonicMs() - beganMs;
  }

  /** Every controller that can be asked knows all machines as voters. */
  get #allVote(): boolean {
    const { machines } = this.#cluster;
    return machines.every(({ controller }) => (controller?.inspect()?.voters.length ?? machines.length) === machines.length);
  }

  /** And with the directories that they have. */
  get #allVoteAsTheyAre(): boolean {
    const { machines } = this.#cluster;
    const quorums = machines.map(({ controller }) => controller?.inspect() ?? null);
    return quorums.every(
      (quorum) =>
        quorum?.voters.length === machines.length &&
        machines.every(({ nodeId }, at) =>
          quorum.voters.some((voter) => voter.nodeId === nodeId && voter.directoryId === quorums[at]?.directoryId),
        ),
    );
  }

  #superfluous(): string[] {
    const { partitions } = this.#invariants.decisions;
    return this.#cluster.everyone.flatMap(({ nodeId, logs, serving, old, gone }) =>
      [...logs.logs.keys()]
        .filter(
          (log) => serving && !gone && partitions.get(log)?.record.replicas.includes(nodeId) !== true && (!old || partitions.has(log)),
        )
        .map((log) => `${this.#invariants.nameOf(log)} at node ${nodeId}`),
    );
  }

  #state(): string {
    const { partitions } = this.#invariants.decisions;
    const nodes = this.#cluster.machines.map(
      ({ nodeId, up, serving, broker, gone }) =>
        `node ${nodeId} ${gone ? "is gone" : serving ? "serves" : up ? "is starting" : "is down"}${broker === null ? "" : ` (${broker.health.reasons.join("; ")})`}`,
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
