import type { pb } from "@ottla/protocol";

/** Every broker that has registered. */
export class Brokers {
  readonly #byId = new Map<number, pb.BrokerRecord>();

  get(nodeId: number): pb.BrokerRecord | undefined {
    return this.#byId.get(nodeId);
  }

  all(): Iterable<pb.BrokerRecord> {
    return this.#byId.values();
  }

  get count(): number {
    return this.#byId.size;
  }

  /** May hold new replicas. */
  placeable(): pb.BrokerRecord[] {
    return this.usable().filter(({ draining }) => !draining);
  }

  /** May be in sync and lead. */
  usable(): pb.BrokerRecord[] {
    return [...this.#byId.values()].filter(isUsable);
  }

  change(before: pb.BrokerRecord | null, after: pb.BrokerRecord | null): void {
    if (after) this.#byId.set(after.nodeId, after);
    else if (before) this.#byId.delete(before.nodeId);
  }
}

/** Whether it may be in sync and lead. */
export function isUsable(broker: pb.BrokerRecord): boolean {
  return !broker.fenced && !broker.shuttingDown;
}
