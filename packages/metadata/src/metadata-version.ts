/** What this version reads and writes of the controller's records, as levels of the feature `metadata.version`. */
export const metadataVersions = { min: 1, max: 1 } as const;
