import type { Uuid } from "@ottla/protocol";

/** What a delta touched, so that whoever follows an image looks only at that. */
export interface ImageChange {
  /** The whole image was replaced: `topics` and `brokers` name everything in it, `deleted` what was in the former and is gone. */
  readonly snapshot: boolean;
  /** Topics that are new or whose partitions or settings changed. */
  readonly topics: ReadonlySet<Uuid>;
  /** Topics that are gone. */
  readonly deleted: ReadonlySet<Uuid>;
  readonly brokers: ReadonlySet<number>;
  /** Settings for all topics changed ({@link ClusterImage.brokerDefaults}). */
  readonly configs: boolean;
}

export class ChangeCollector implements ImageChange {
  readonly snapshot: boolean;
  readonly topics = new Set<Uuid>();
  readonly deleted = new Set<Uuid>();
  readonly brokers = new Set<number>();
  configs = false;

  constructor(snapshot: boolean) {
    this.snapshot = snapshot;
  }
}
