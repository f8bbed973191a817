import type { Ottla } from "@ottla/client";
import type { NodePlan } from "./plan.ts";

/** What the cluster says of one node; null where nobody said it. */
export interface NodeSurvey {
  readonly role: string | null;
  readonly state: string | null;
  readonly leads: number | null;
  readonly inSync: number | null;
  readonly replicas: number | null;
  readonly recordsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
}

export interface Survey {
  /** One line for people. */
  readonly health: string;
  readonly nodes: ReadonlyMap<number, NodeSurvey>;
}

interface Counters {
  readonly atMs: number;
  readonly records: number;
  readonly bytes: number;
}

const timeoutMs = 2_000;

/** Asks again and again: the cluster for its shape, each node for its counters. */
export class Surveyor {
  readonly #ottla: Ottla;
  readonly #plans: readonly NodePlan[];
  readonly #counters = new Map<number, Counters>();

  constructor(ottla: Ottla, plans: readonly NodePlan[]) {
    this.#ottla = ottla;
    this.#plans = plans;
  }

  async survey(): Promise<Survey> {
    const [shape, ...rates] = await Promise.all([this.#shape(), ...this.#plans.map((plan) => this.#rates(plan))]);
    const nodes = new Map<number, NodeSurvey>();
    for (const [at, { nodeId }] of this.#plans.entries()) {
      const node = shape?.cluster.nodes.find((one) => one.nodeId === nodeId);
      const count = (
        pick: (partition: { leader: number; replicas: readonly number[]; inSyncReplicas: readonly number[] }) => boolean,
      ): number | null => (shape ? shape.partitions.filter(pick).length : null);
      nodes.set(nodeId, {
        role: shape && node ? roleOf(node, shape.cluster.controllerId) : null,
        state: node ? (node.fenced ? "fenced" : node.draining ? "draining" : "live") : null,
        leads: count(({ leader }) => leader === nodeId),
        inSync: count(({ inSyncReplicas }) => inSyncReplicas.includes(nodeId)),
        replicas: count(({ replicas }) => replicas.includes(nodeId)),
        recordsPerSecond: rates[at]?.records ?? null,
        bytesPerSecond: rates[at]?.bytes ?? null,
      });
    }
    return { health: shape ? healthOf(shape) : "The cluster does not answer: it has no majority, or it is still starting", nodes };
  }

  async #shape(): Promise<Shape | null> {
    const admin = this.#ottla.admin();
    const call = { timeoutMs };
    try {
      const [cluster, topics] = await Promise.all([admin.describeCluster(call), admin.describeTopics(undefined, call)]);
      return { cluster, topics: topics.length, partitions: topics.flatMap(({ partitions }) => partitions) };
    } catch {
      return null;
    }
  }

  /** Per second since the last look. */
  async #rates({ nodeId, http }: NodePlan): Promise<{ records: number; bytes: number } | null> {
    const before = this.#counters.get(nodeId);
    const now = await this.#count(http);
    if (now === null) {
      this.#counters.delete(nodeId);
      return null;
    }
    this.#counters.set(nodeId, now);
    // A node that was restarted counts from 0 again.
    if (!before || now.records < before.records) return null;
    const seconds = (now.atMs - before.atMs) / 1000;
    return { records: (now.records - before.records) / seconds, bytes: (now.bytes - before.bytes) / seconds };
  }

  async #count(http: string): Promise<Counters | null> {
    try {
      const response = await fetch(`http://${http}/metrics`, { signal: AbortSignal.timeout(timeoutMs) });
      const text = await response.text();
      return {
        atMs: performance.now(),
        records: sum(text, "kafka_server_brokertopicmetrics_messagesin_total"),
        bytes: sum(text, "kafka_server_brokertopicmetrics_bytesin_total"),
      };
    } catch {
      return null;
    }
  }
}

interface Shape {
  readonly cluster: Awaited<ReturnType<ReturnType<Ottla["admin"]>["describeCluster"]>>;
  readonly topics: number;
  readonly partitions: readonly {
    readonly leader: number;
    readonly replicas: readonly number[];
    readonly inSyncReplicas: readonly number[];
  }[];
}

function sum(text: string, name: string): number {
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

function roleOf(node: { nodeId: number; voter: boolean; broker: boolean }, controllerId: number): string {
  const controller = node.voter ? [node.nodeId === controllerId ? "controller (leads)" : "controller"] : [];
  return [...controller, ...(node.broker ? ["broker"] : [])].join(", ");
}

function healthOf({ cluster, topics, partitions }: Shape): string {
  const offline = partitions.filter(({ leader }) => leader < 0).length;
  const under = partitions.filter(({ replicas, inSyncReplicas }) => inSyncReplicas.length < replicas.length).length;
  const fenced = cluster.nodes.filter((node) => node.broker && node.fenced).map(({ nodeId }) => nodeId);
  const troubles = [
    ...(cluster.controllerId < 0 ? ["no controller leads"] : []),
    ...(offline > 0 ? [`${offline} partitions have no leader`] : []),
    ...(under > 0 ? [`${under} partitions are under-replicated`] : []),
    ...(fenced.length > 0 ? [`fenced: ${fenced.join(", ")}`] : []),
  ];
  const size = `${topics} topics, ${partitions.length} partitions`;
  return troubles.length === 0 ? `Healthy: ${size}` : `Unhealthy: ${troubles.join(", ")} (${size})`;
}
