import { type Clock, delay } from "@ottla/host";
import type { Cluster } from "./cluster/cluster.ts";
import type { Fault } from "./faults/fault.ts";
import type { Decisions } from "./invariants/decisions.ts";
import { Violation } from "./invariants/violation.ts";
import { targetsOf, type Target } from "./targets.ts";

/** How long something took, in virtual time. */
export interface Figure {
  readonly target: string;
  readonly limitMs: number;
  readonly ms: number;
}

/** Beyond the target itself: two faults may follow one another closely, and a disk be slow for a moment. */
const GENEROUSLY = 2;
const LOOK_EVERY_MS = 10;
/** Nothing takes so long that nothing else happens meanwhile. */
const GIVEN_UP_MS = 30_000;

/** What is measured while one fault lasts. */
interface Watch {
  readonly fault: Fault;
  readonly beganMs: number;
  readonly term: number;
  /** Led by the node when it began, and the others. */
  readonly led: ReadonlySet<string>;
  readonly open: Set<Target>;
  /** Of sends since it began, by log: how many were answered and how long the slowest took. */
  readonly waits: Map<string, number>;
  leaderlessMs: number;
}

/** Measures how soon a cluster goes on without a node, where no other fault interferes (L1 to L7). */
export class Liveness {
  readonly figures: Figure[] = [];
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #decisions: Decisions;
  /** Changes with each fault that begins or ends. */
  #turn = 0;
  #active = 0;
  #watch: Watch | null = null;

  constructor(cluster: Cluster, clock: Clock, decisions: Decisions) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#decisions = decisions;
  }

  /** A send was acknowledged. */
  answered(log: string, invokedMs: number): void {
    const watch = this.#watch;
    if (watch === null || invokedMs < watch.beganMs) return;
    watch.waits.set(log, Math.max(watch.waits.get(log) ?? 0, this.#clock.monotonicMs() - invokedMs));
  }

  /** A fault is about to happen to a cluster that is whole or not. @throws Violation when the others take too long to go on without the node */
  async begin(fault: Fault, whole: boolean): Promise<void> {
    this.#active += 1;
    this.#turn += 1;
    this.#watch = null;
    const led = this.#ledBy(fault.node);
    const targets = whole && this.#active === 1 ? targetsOf(fault, { led: led.size > 0, quorum: this.#quorum(fault.node) }) : [];
    if (targets.length === 0) return;
    const turn = this.#turn;
    const watch: Watch = {
      ...{ fault, led, beganMs: this.#clock.monotonicMs(), term: this.#decisions.term },
      ...{ open: new Set(targets), waits: new Map(), leaderlessMs: 0 },
    };
    this.#watch = watch;
    while (watch.open.size > 0 && this.#clock.monotonicMs() - watch.beganMs < GIVEN_UP_MS) {
      await delay(this.#clock, LOOK_EVERY_MS);
      if (this.#turn !== turn) return;
      this.#look(watch);
    }
    this.#watch = null;
  }

  end(): void {
    this.#active -= 1;
    this.#turn += 1;
    this.#watch = null;
  }

  #look(watch: Watch): void {
    const nowMs = this.#clock.monotonicMs() - watch.beganMs;
    const controllers = this.#cluster.machines.map((machine) => (machine.serving ? machine.controller?.inspect()?.role : null));
    if (!controllers.includes("leader")) watch.leaderlessMs += LOOK_EVERY_MS;
    for (const target of watch.open) {
      const ms = this.#measured(target, watch, nowMs);
      if (ms !== null) {
        this.figures.push({ target: target.name, limitMs: target.limitMs, ms });
        watch.open.delete(target);
      } else if (target.what === "led elsewhere" && nowMs > GENEROUSLY * target.limitMs)
        throw new Violation(
          "L4",
          `${Math.round(nowMs)} ms after node ${watch.fault.node} has gone (${watch.fault.kind}) it still leads; ${target.name} is ${target.limitMs} ms`,
        );
    }
  }

  /** Null as long as it is not over. */
  #measured({ what }: Target, watch: Watch, nowMs: number): number | null {
    const { node } = watch.fault;
    switch (what) {
      case "next commit":
        return this.#decisions.term > watch.term ? nowMs : null;
      case "led elsewhere":
        return this.#ledBy(node).size === 0 ? nowMs : null;
      case "without leader":
        return this.#decisions.term > watch.term ? watch.leaderlessMs : null;
      case "longest send": {
        // Sends of a partition are answered in order: once a later one has been, so have those that had to wait.
        const logs = watch.led.size > 0 ? [...watch.led] : [...this.#decisions.partitions.keys()];
        if (this.#ledBy(node).size > 0 && watch.led.size > 0) return null;
        return logs.every((log) => watch.waits.has(log)) ? Math.max(...logs.map((log) => watch.waits.get(log) ?? 0)) : null;
      }
    }
  }

  #ledBy(nodeId: number): Set<string> {
    return new Set([...this.#decisions.partitions].filter(([, { record }]) => record.leader === nodeId).map(([log]) => log));
  }

  /** What the node is among the controllers, or null unless three vote: two cannot do without one of them, nor three when one has lost its
   * directory and is not replaced yet. */
  #quorum(nodeId: number): "leader" | "voter" | null {
    const quorum = this.#cluster.machine(nodeId).controller?.inspect() ?? null;
    const voting = quorum?.voters.filter(
      (voter) => this.#cluster.machine(voter.nodeId).controller?.inspect()?.directoryId === voter.directoryId,
    );
    if (quorum === null || voting === undefined || voting.length < 3) return null;
    return quorum.role === "leader" ? "leader" : "voter";
  }
}
