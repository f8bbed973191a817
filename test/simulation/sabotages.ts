interface Edit {
  /** From the root of the repository. */
  readonly file: string;
  /** Stands there once. */
  readonly intact: string;
  readonly broken: string;
}

/** Builds that lack one guard each, to see whether the checkers miss it. */
export const sabotages = {
  /** The leader waits for those who are in sync, not for those whom it has asked to be let in. */
  P6: [
    {
      file: "packages/broker/src/partition/in-sync.ts",
      intact: "this.#maximal = [...new Set([...this.#record.isr, ...proposed])];",
      broken: "this.#maximal = this.#record.isr.filter((nodeId) => proposed.length === 0 || proposed.includes(nodeId));",
    },
  ],
  /** The watermark rises however few are in sync. */
  P7: [
    {
      file: "packages/broker/src/partition/high-watermark.ts",
      intact: "if (inSync.committed.length < minInSync) return null;",
      broken: "",
    },
  ],
  /** A follower is let in before it has caught up. */
  P8: [
    {
      file: "packages/broker/src/partition/in-sync.ts",
      intact: "return this.#heldBy(remote) >= needed && this.#replica",
      broken: "return needed >= 0 && this.#replica",
    },
  ],
  /** Replicas that came back without what they had stay in sync or eligible. */
  P9: [
    {
      file: "packages/controller/src/state/decide/registration.ts",
      intact: "const damage = named.get(`${uuidFromBytes(partition.topicId)}-${partition.partition}`);",
      broken:
        "if (named.size >= 0) return null;\n    const damage = named.get(`${uuidFromBytes(partition.topicId)}-${partition.partition}`);",
    },
  ],
  /** A follower cuts its log where it believes that all is committed. */
  P13: [
    {
      file: "packages/broker/src/partition/follower.ts",
      intact: "const offset = Math.max(log.startOffset, agreed);",
      broken: "const offset = Math.max(log.startOffset, Math.min(agreed, this.replica.highWatermark));",
    },
  ],
  /** A sync that failed counts as one that succeeded. */
  S1: [
    {
      file: "packages/log/src/log/syncer.ts",
      intact: "if (failures.length > 0) return",
      broken: "if (failures.length > 1_000_000) return",
    },
  ],
  /** A follower's log counts as safe when it is written. */
  "acknowledge-before-replicas-are-durable": [
    {
      file: "packages/broker/src/partition/in-sync.ts",
      intact: 'return this.#replica.settings.flushPolicy.kind === "commit" || !relaxed ? durableOffset : endOffset;',
      broken: "return endOffset;",
    },
  ],
} satisfies Record<string, readonly Edit[]>;

/** Where the standard faults, drawn as often as usual, would take too many seeds: these alone. */
export const sabotageFaults: Partial<Record<keyof typeof sabotages, readonly string[]>> = {
  P9: ["kill", "emptied disk"],
  S1: ["failing disk"],
};

export type SabotageName = keyof typeof sabotages;

export const SABOTAGE_NAMES = Object.keys(sabotages) as SabotageName[];
