export { ClusterImage } from "./cluster-image.ts";
export type { ImageChange } from "./image-change.ts";
export type { TopicImage } from "./topic-image.ts";
export { metadataVersions, type MetadataVersions } from "./metadata-version.ts";
export { minInSync } from "./min-in-sync.ts";
