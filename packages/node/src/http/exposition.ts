import type { Labels, Metric } from "@ottla/host";

/** The Prometheus text format, version 0.0.4. Metrics of one name from several parts of the node share one header. */
export function exposition(metrics: Iterable<Metric>): string {
  const byName = new Map<string, { header: string; lines: string[] }>();
  for (const metric of metrics) {
    let family = byName.get(metric.name);
    if (!family) {
      family = { header: `# HELP ${metric.name} ${escape(metric.help)}\n# TYPE ${metric.name} ${metric.type}\n`, lines: [] };
      byName.set(metric.name, family);
    }
    family.lines.push(...samples(metric));
  }
  let text = "";
  for (const { header, lines } of byName.values()) text += `${header}${lines.join("\n")}\n`;
  return text;
}

function samples(metric: Metric): string[] {
  if (metric.type !== "histogram") return metric.values.map(({ labels, value }) => line(metric.name, labels, value));
  return metric.values.flatMap(({ labels, buckets, sum, count }) => [
    ...buckets.map(([bound, below]) => line(`${metric.name}_bucket`, { ...labels, le: String(bound) }, below)),
    line(`${metric.name}_bucket`, { ...labels, le: "+Inf" }, count),
    line(`${metric.name}_sum`, labels, sum),
    line(`${metric.name}_count`, labels, count),
  ]);
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escape(text).replaceAll('"', '\\"')}"`);
  return `${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}`;
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
