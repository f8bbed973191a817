import type { ReplicaLog } from "../disk/replica-log.ts";
import { CommittedLog } from "./committed-log.ts";
import type { Decisions } from "./decisions.ts";
import type { ObservedNode } from "./inspection.ts";
import { Violation } from "./violation.ts";

export interface Observed {
  readonly nodes: readonly ObservedNode[];
  /** Records may wait for the operating system to write them: then a replica holds what it has written, not only what it has synced. */
  readonly relaxed: boolean;
  logOf(nodeId: number, log: string): ReplicaLog | undefined;
  /** Bits of its files have flipped: it may find out at any time, and cut its log there. */
  damaged(nodeId: number): boolean;
}

/** What all checks look at: files as the disk was told, decisions as the controllers committed them, and what is committed by the two. */
export class Ledger {
  readonly observed: Observed;
  readonly decisions: Decisions;
  readonly committed = new Map<string, CommittedLog>();
  /** Logs about which something has changed since they were last checked. */
  readonly changed = new Set<string>();
  /** The first thing that was seen. */
  violation: Violation | null = null;

  constructor(observed: Observed, decisions: Decisions) {
    this.observed = observed;
    this.decisions = decisions;
  }

  node(nodeId: number): ObservedNode | undefined {
    return this.observed.nodes.find((one) => one.nodeId === nodeId);
  }

  nameOf(log: string): string {
    return `${this.decisions.topics.get(log.slice(0, 32)) ?? log.slice(0, 32)}${log.slice(32)}`;
  }

  of(log: string): CommittedLog {
    const known = this.committed.get(log);
    if (known !== undefined) return known;
    const made = new CommittedLog(this.nameOf(log));
    this.committed.set(log, made);
    return made;
  }

  note(violation: Violation): void {
    this.violation ??= violation;
  }

  /** What is called from within a node must not throw into it. */
  keep(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.note(error);
    }
  }
}
