export type { Health } from "./http/http-door.ts";
export { readMetaProperties } from "./meta-properties.ts";
export { Node, type NodeOptions } from "./node.ts";
export type { NodeInspector } from "./parts.ts";
export type { Settings } from "./settings.ts";
export { version } from "./version.ts";
