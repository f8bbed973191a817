import type { Metric } from "@ottla/host";
import { errorName, type ErrorName } from "@ottla/protocol";
import { Histogram } from "./histogram.ts";

interface Operation {
  count: number;
  readonly latency: Histogram;
  readonly errors: Map<ErrorName, number>;
}

/** How many requests of each kind were answered, how long that took, and with which errors. */
export class RequestMetrics {
  readonly #operations = new Map<string, Operation>();

  answered(operation: string, ms: number): void {
    const entry = this.#entry(operation);
    entry.count++;
    entry.latency.observe(ms);
  }

  /** One partition or one whole request was answered with an error. */
  failed(operation: string, code: number): void {
    const { errors } = this.#entry(operation);
    const name = errorName(code);
    errors.set(name, (errors.get(name) ?? 0) + 1);
  }

  samples(): Metric[] {
    const operations = [...this.#operations];
    return [
      {
        type: "counter",
        name: "kafka_network_requestmetrics_requests_total",
        help: "Requests answered",
        values: operations.map(([request, { count }]) => ({ labels: { request }, value: count })),
      },
      {
        type: "counter",
        name: "kafka_network_requestmetrics_errors_total",
        help: "Partitions and requests answered with an error",
        values: operations.flatMap(([request, { errors }]) => [...errors].map(([error, value]) => ({ labels: { request, error }, value }))),
      },
      {
        type: "histogram",
        name: "kafka_network_requestmetrics_totaltimems",
        help: "Milliseconds from a request's arrival to its answer; for Fetch with the time it waited for records",
        values: operations.map(([request, { latency }]) => ({ labels: { request }, ...latency.sample() })),
      },
    ];
  }

  #entry(operation: string): Operation {
    let entry = this.#operations.get(operation);
    if (entry === undefined) this.#operations.set(operation, (entry = { count: 0, latency: new Histogram(), errors: new Map() }));
    return entry;
  }
}
