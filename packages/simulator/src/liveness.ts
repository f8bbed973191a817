import { type Clock, delay } from "@ottla/host";
import type { Cluster } from "./cluster/cluster.ts";
import type { Fault } from "./faults/fault.ts";
import type { Decisions } from "./invariants/decisions.ts";
import { Violation } from "./invariants/violation.ts";

/** How long something took, in virtual time. */
export interface Figure {
  readonly target: string;
  readonly ms: number;
}

interface Target {
  readonly target: string;
  readonly limitMs: number;
}

/** Beyond the target itself: two faults may follow one another closely, and a disk be slow for a moment. */
const GENEROUSLY = 2;
const LOOK_EVERY_MS = 10;

/** Measures how soon the partitions of a node that has gone are led elsewhere, where no other fault interferes (L1, L2, L4). */
export class Liveness {
  readonly figures: Figure[] = [];
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #decisions: Decisions;
  /** Changes with each fault that begins or ends. */
  #turn = 0;
  #active = 0;

  constructor(cluster: Cluster, clock: Clock, decisions: Decisions) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#decisions = decisions;
  }

  /** A fault is about to happen to a cluster that is whole or not. @throws Violation when the others take too long to go on without the node */
  async begin(fault: Fault, whole: boolean): Promise<void> {
    this.#active += 1;
    this.#turn += 1;
    const target = whole && this.#active === 1 ? this.#targetOf(fault) : null;
    if (target === null) return;
    const turn = this.#turn;
    const beganMs = this.#clock.monotonicMs();
    const { commits } = this.#decisions;
    for (;;) {
      await delay(this.#clock, LOOK_EVERY_MS);
      if (this.#turn !== turn) return;
      const ms = this.#clock.monotonicMs() - beganMs;
      if (this.#decisions.commits > commits && !this.#leads(fault.node)) {
        this.figures.push({ target: target.target, ms });
        return;
      }
      if (ms > GENEROUSLY * target.limitMs)
        throw new Violation(
          "L4",
          `${Math.round(ms)} ms after node ${fault.node} has gone (${fault.kind}) it still leads; ${target.target} is ${target.limitMs} ms`,
        );
    }
  }

  end(): void {
    this.#active -= 1;
    this.#turn += 1;
  }

  #leads(nodeId: number): boolean {
    return [...this.#decisions.partitions.values()].some(({ record }) => record.leader === nodeId);
  }

  #targetOf({ kind, node }: Fault): Target | null {
    const quorum = this.#cluster.machine(node).controller?.inspect() ?? null;
    // Two voters cannot do without one of them, nor three when one has lost its directory and is not replaced yet.
    const voting = quorum?.voters.filter(
      (voter) => this.#cluster.machine(voter.nodeId).controller?.inspect()?.directoryId === voter.directoryId,
    );
    if (!this.#leads(node) || quorum === null || voting === undefined || voting.length < 3) return null;
    const leadsControllers = quorum.role === "leader";
    if (kind === "kill")
      return leadsControllers ? { target: "L4 killed, led the controllers too", limitMs: 2_000 } : { target: "L4 killed", limitMs: 1_000 };
    if (kind === "freeze" || kind === "isolate")
      return leadsControllers ? { target: "L4 silent, led the controllers too", limitMs: 4_000 } : { target: "L4 silent", limitMs: 3_000 };
    return null;
  }
}
