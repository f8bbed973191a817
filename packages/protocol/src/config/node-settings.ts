import { withDerivedDefaults } from "./derived-defaults.ts";
import { clusterSettings } from "./node/cluster.ts";
import { doorSettings } from "./node/doors.ts";
import { groupSettings } from "./node/groups.ts";
import { logSettings } from "./node/logs.ts";
import type { ValuesOf } from "./setting.ts";

/** Every setting of a node. The key in camel case gives Kafka's dotted name. */
export const nodeSettings = { ...clusterSettings, ...doorSettings, ...logSettings, ...groupSettings } as const;

/** The settings of one node by the camel-case form of their names; durations in milliseconds, sizes in bytes. */
export interface NodeConfig extends ValuesOf<typeof nodeSettings> {}

export type NodeKey = keyof NodeConfig;

export function nodeDefaults(): NodeConfig {
  const defaults = Object.fromEntries(
    Object.entries(nodeSettings).map(([key, setting]) => [key, setting.default]),
  ) as unknown as NodeConfig;
  return withDerivedDefaults(defaults);
}
