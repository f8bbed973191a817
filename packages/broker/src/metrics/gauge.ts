import type { Metric } from "@ottla/host";

export function gauge(name: string, help: string, value: number): Metric {
  return { type: "gauge", name, help, values: [{ labels: {}, value }] };
}
