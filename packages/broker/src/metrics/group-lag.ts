import type { Clock, Labels, Logger, Metric } from "@ottla/host";
import type { ClusterImage } from "@ottla/metadata";
import { type pb, uuidFromBytes } from "@ottla/protocol";
import type { ControllerLink } from "../controller/link.ts";
import type { Partitions } from "../partition/partitions.ts";
import { gauge } from "./gauge.ts";

/** Committed offsets live in the controllers: they are asked at most so often, and only while somebody scrapes. */
const REFRESH_MS = 15_000;
const ASK_TIMEOUT_MS = 5_000;
/** What one look costs at most; who has more is told that some are missing. */
const GROUPS_MAX = 500;
const OFFSETS_MAX = 10_000;

interface Row {
  readonly labels: Labels;
  readonly offset: number;
  readonly lag: number;
}

export interface GroupLagParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly nodeId: number;
  readonly image: ClusterImage;
  readonly partitions: Partitions;
  readonly link: Pick<ControllerLink, "command">;
}

/** How far groups are behind, in the style of kafka_exporter. The leader of a partition tells it, so that it is told once in the cluster. */
export class GroupLag {
  readonly #parts: GroupLagParts;
  #rows: readonly Row[] = [];
  #groups = 0;
  #missing = 0;
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking = false;

  constructor(parts: GroupLagParts) {
    this.#parts = parts;
  }

  /** As last seen; a look that has become old is repeated for the next scrape. */
  samples(): Metric[] {
    const nowMs = this.#parts.clock.monotonicMs();
    if (!this.#asking && nowMs - this.#askedMs >= REFRESH_MS) {
      this.#asking = true;
      this.#askedMs = nowMs;
      void this.#look();
    }
    const series = (name: string, help: string, of: (row: Row) => number): Metric => ({
      type: "gauge",
      name,
      help,
      values: this.#rows.map((row) => ({ labels: row.labels, value: of(row) })),
    });
    return [
      series("kafka_consumergroup_current_offset", "Offset that the group has committed", ({ offset }) => offset),
      series("kafka_consumergroup_lag", "Records between the committed offset and the high watermark", ({ lag }) => lag),
      gauge("ottla_consumergroups", "Groups with committed offsets", this.#groups),
      gauge("ottla_consumergroups_not_shown", "Groups whose lag is left out, because there are too many", this.#missing),
    ];
  }

  async #look(): Promise<void> {
    try {
      const { groups } = await this.#parts.link.command("listGroups", {}, ASK_TIMEOUT_MS);
      const rows: Row[] = [];
      let shown = 0;
      for (const { group } of groups.slice(0, GROUPS_MAX)) {
        if (rows.length >= OFFSETS_MAX) break;
        const { offsets } = await this.#parts.link.command("fetchOffsets", { group, partitions: [] }, ASK_TIMEOUT_MS);
        rows.push(...offsets.flatMap((offset) => this.#row(group, offset)).slice(0, OFFSETS_MAX - rows.length));
        shown++;
      }
      this.#rows = rows;
      this.#groups = groups.length;
      this.#missing = groups.length - shown;
    } catch (error) {
      // What was seen before stands: a controller that changes must not look like groups that are gone.
      this.#parts.logger.debug({ err: error }, "The committed offsets could not be read for the metrics");
    } finally {
      this.#asking = false;
    }
  }

  #row(group: string, { topicId, partition, offset }: pb.FetchedOffset): Row[] {
    const { image, nodeId, partitions } = this.#parts;
    const id = uuidFromBytes(topicId);
    const topic = image.topic(id);
    const held = partitions.get(id, partition);
    if (offset < 0 || topic === undefined || held === undefined || topic.partitions[partition]?.leader !== nodeId) return [];
    const labels = { consumergroup: group, topic: topic.name, partition: String(partition) };
    return [{ labels, offset, lag: Math.max(0, held.highWatermark - offset) }];
  }
}
