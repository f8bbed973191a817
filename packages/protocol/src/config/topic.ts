import { ProtocolError } from "../errors.ts";
import { inertTopicSettings } from "./inert-topic-settings.ts";
import type { NodeConfig } from "./node-settings.ts";
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
