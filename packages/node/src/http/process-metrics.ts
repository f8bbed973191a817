import { performance } from "node:perf_hooks";
import type { Metric } from "@ottla/host";

/** CPU, memory and event loop of the process that holds the node, under the names that Node dashboards use. Read at the scrape: nothing runs
 * in between, so an idle node stays idle. */
export function processMetrics(): Metric[] {
  const { user, system } = process.cpuUsage();
  const memory = process.memoryUsage();
  return [
    single("counter", "process_cpu_user_seconds_total", "User CPU time spent, in seconds.", user / 1e6),
    single("counter", "process_cpu_system_seconds_total", "System CPU time spent, in seconds.", system / 1e6),
    single("gauge", "process_resident_memory_bytes", "Resident memory in bytes.", memory.rss),
    single("gauge", "nodejs_heap_size_used_bytes", "Heap in use in bytes.", memory.heapUsed),
    single("gauge", "nodejs_heap_size_total_bytes", "Heap reserved in bytes.", memory.heapTotal),
    single("gauge", "nodejs_external_memory_bytes", "Memory of buffers outside the heap in bytes.", memory.external),
    single("gauge", "process_start_time_seconds", "Start of the process since the Unix epoch, in seconds.", performance.timeOrigin / 1000),
    single(
      "counter",
      "nodejs_eventloop_active_seconds_total",
      "Time the event loop was busy, in seconds.",
      performance.eventLoopUtilization().active / 1000,
    ),
  ];
}

function single(type: "counter" | "gauge", name: string, help: string, value: number): Metric {
  return { type, name, help, values: [{ labels: {}, value }] };
}
