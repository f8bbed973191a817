/** Levels of the feature `metadata.version`, both ends included. */
export interface MetadataVersions {
  readonly min: number;
  readonly max: number;
}

/** What this version reads and writes of the controller's records. */
export const metadataVersions: MetadataVersions = { min: 1, max: 1 };
