interface Edit {
  /** From the root of the repository. */
  readonly file: string;
  /** Stands there once. */
  readonly intact: string;
  readonly broken: string;
}

/** Builds that lack one guard each, to see whether the checkers miss it. */
export const sabotages = {
  "S1-acknowledge-before-sync": [
    {
      file: "packages/simulator/src/machine/machine-disk.ts",
      intact: "sync: () => this.#held(sync()),",
      broken: "sync: () => (void this.#held(sync()).catch(() => {}), Promise.resolve()),",
    },
  ],
} satisfies Record<string, readonly Edit[]>;

export type SabotageName = keyof typeof sabotages;

export const SABOTAGE_NAMES = Object.keys(sabotages) as SabotageName[];
