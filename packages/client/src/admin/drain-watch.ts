import type { CallLimits, Cluster } from "../connection/cluster.ts";
import { describeCluster } from "./nodes.ts";
import type { DrainProgress } from "./shape-api.ts";

/** A process that is restarted is back sooner. */
const AWAY_PATIENCE_MS = 30_000;
/** One look may fall into the moment in which a broker goes or comes. */
const LOOKS = 2;

/** Tells what is stuck for good from what waits for a broker that comes back. */
export class StuckWatch {
  #looks = 0;
  #sinceMs: number | null = null;

  /** @param away brokers that are not live, as known before the progress was asked for */
  isOver({ replicasLeft, stuck }: DrainProgress, away: number, nowMs: number): boolean {
    if (stuck.length < replicasLeft) {
      this.#looks = 0;
      this.#sinceMs = null;
      return false;
    }
    this.#looks = away === 0 ? this.#looks + 1 : 0;
    this.#sinceMs ??= nowMs;
    return this.#looks >= LOOKS || nowMs - this.#sinceMs >= AWAY_PATIENCE_MS;
  }
}

/** How many brokers other than the one that is drained are registered, and not live. */
export async function brokersAway(cluster: Cluster, drained: number, limits: CallLimits): Promise<number> {
  const { nodes } = await describeCluster(cluster, limits);
  return nodes.filter(({ nodeId, broker, fenced, shuttingDown }) => broker && nodeId !== drained && (fenced || shuttingDown)).length;
}
