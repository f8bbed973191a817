import { ProtocolError } from "../errors.ts";
import { inertTopicSettings } from "./inert-topic-settings.ts";
import { type NodeConfig, nodeDefaults } from "./node-settings.ts";
import { didYouMean } from "./nearest.ts";
import { BadValue, dottedName, type Setting } from "./setting.ts";
import { inheritedSettings, topicSettingTable, type TopicKey, type TopicSettings } from "./topic-settings.ts";

/** By dotted name; those with an effect first. */
const keys: ReadonlyMap<string, TopicKey> = new Map((Object.keys(topicSettingTable) as TopicKey[]).map((key) => [dottedName(key), key]));

export function topicConfigNames(): string[] {
  return [...keys.keys(), ...inertTopicSettings.keys()];
}

/** @returns undefined when no topic has such a setting */
export function topicSetting(name: string): { setting: Setting<unknown>; key: TopicKey | null } | undefined {
  const key = keys.get(name);
  if (key !== undefined) return { setting: topicSettingTable[key], key };
  const inert = inertTopicSettings.get(name);
  return inert && { setting: inert, key: null };
}

/** Checks one setting of a topic before it is stored.
 * @throws ProtocolError INVALID_CONFIG: no such setting, or no value of it */
export function checkTopicConfig(name: string, value: string): void {
  const found = topicSetting(name);
  if (found === undefined)
    throw new ProtocolError("INVALID_CONFIG", `Topics have no setting "${name}"${didYouMean(name, topicConfigNames())}`);
  try {
    found.setting.parse(value, () => {});
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    throw new ProtocolError("INVALID_CONFIG", `Topic setting ${name}=${value} ${error.message}`, { cause: error });
  }
}

/** Kafka's names of the settings that a broker gives its topics, and the topics' own names, under which they are kept. */
const topicNames: ReadonlyMap<string, string> = new Map([
  ["log.retention.ms", "retention.ms"],
  ["log.retention.bytes", "retention.bytes"],
  ["log.segment.bytes", "segment.bytes"],
  ["log.roll.ms", "segment.ms"],
  ["log.index.interval.bytes", "index.interval.bytes"],
  ["log.message.timestamp.type", "message.timestamp.type"],
  ["log.message.timestamp.before.max.ms", "message.timestamp.before.max.ms"],
  ["log.message.timestamp.after.max.ms", "message.timestamp.after.max.ms"],
  ["log.flush.policy", "flush.policy"],
  ["message.max.bytes", "max.message.bytes"],
]);

/** Under which name a setting of a broker for its topics is kept; other names stay what they are. */
export function topicNameOf(brokerName: string): string {
  return topicNames.get(brokerName) ?? brokerName;
}

const brokerNames: ReadonlyMap<string, string> = new Map([...topicNames].map(([brokerName, name]) => [name, brokerName]));

/** The other way round. */
export function brokerNameOf(topicName: string): string {
  return brokerNames.get(topicName) ?? topicName;
}

/** Settings of which all controllers and brokers must have one idea, because they decide what is acknowledged and who may lead: written down when
 * the cluster is founded, from then on changed by command alone, whatever a node's own file says. */
export function foundingSettings(
  config: Pick<NodeConfig, "logFlushPolicy" | "minInsyncReplicas"> = nodeDefaults(),
): ReadonlyMap<string, string> {
  return new Map([
    ["flush.policy", topicSettingTable.flushPolicy.format(config.logFlushPolicy)],
    ["min.insync.replicas", topicSettingTable.minInsyncReplicas.format(config.minInsyncReplicas)],
  ]);
}

/** A topic's own settings over those of all topics. */
export function storedTopicSettings(defaults: ReadonlyMap<string, string>, own: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  if (defaults.size === 0) return own;
  const stored = new Map([...defaults, ...own]);
  // The topic's own flush.messages speaks of the flush policy too, and must not give way to the cluster's.
  if (own.get("flush.messages") === "1" && !own.has("flush.policy")) stored.delete("flush.policy");
  return stored;
}

/** What applies to a topic: its own settings, which were checked when they were stored, over those of the node. */
export function topicSettings(node: NodeConfig, overrides: ReadonlyMap<string, string>): TopicSettings {
  const settings: Record<string, unknown> = { ...inheritedSettings(node) };
  if (overrides.get("flush.messages") === "1") settings.flushPolicy = { kind: "commit" };
  for (const [name, value] of overrides) {
    const key = keys.get(name);
    if (key !== undefined) settings[key] = topicSettingTable[key].parse(value, () => {});
  }
  return settings as unknown as TopicSettings;
}
