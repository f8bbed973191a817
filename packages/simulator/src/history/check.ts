import { commitAnomalies } from "./commits.ts";
import { endAnomalies } from "./ends.ts";
import type { Anomaly, Commit, Drain, Dump, Event, Metadata } from "./history.ts";
import { metadataAnomalies } from "./metadata.ts";
import { gaps, skipped } from "./reads.ts";
import { diverged } from "./replicas.ts";
import { doubled, inconsistent, lost, neverSent, reordered } from "./sends.ts";

/** What is wrong with a history of idempotent producers, in time and memory linear in its length but for sorting; an empty list is a clean
 * one. A send whose outcome is unknown may be there or not. */
export function check(events: readonly Event[], drains: readonly Drain[], dumps: readonly Dump[] = []): Anomaly[] {
  const sends = events.filter((event) => event.kind === "send");
  const reads = events.filter((event) => event.kind === "read");
  const commits = events.filter((event): event is Commit => event.kind === "commit" || event.kind === "committed");
  const latest = events.filter((event) => event.kind === "latest");
  const metadata = events.filter((event): event is Metadata => event.kind === "changed" || event.kind === "looked");
  return [
    ...inconsistent(sends, reads, drains),
    ...lost(sends, reads, drains),
    ...doubled(drains),
    ...neverSent(sends, reads, drains),
    ...reordered(sends),
    ...gaps(drains),
    ...skipped(reads),
    ...endAnomalies(latest, sends),
    ...commitAnomalies(commits),
    ...metadataAnomalies(metadata),
    ...diverged(dumps),
  ];
}
