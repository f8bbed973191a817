import { ConfigSource, type DescribedConfig } from "../grpc/generated/index.ts";
import type { LoadedConfig } from "./load.ts";
import { nodeSettings, type NodeConfig } from "./node-settings.ts";
import { dottedName, valueTypes, type Setting } from "./setting.ts";
import { topicConfigNames, topicSetting, topicSettings } from "./topic.ts";
import { inheritedSettings } from "./topic-settings.ts";

/** The complete settings of a topic, as tools of Kafka expect it: also the defaults, also those without effect.
 * @param overrides what is stored with the topic, checked when it was stored */
export function describeTopicConfig(node: NodeConfig, overrides: ReadonlyMap<string, string>): DescribedConfig[] {
  const effective = topicSettings(node, overrides);
  const fromNode = inheritedSettings(node);
  return topicConfigNames().map((name) => {
    const found = topicSetting(name);
    if (found === undefined) throw new Error(`Cannot describe topic setting ${name}: it is listed but not in the table`);
    const { key } = found;
    const setting = found.setting;
    const override = overrides.get(name);
    const byDefault = setting.format(setting.default);
    const inherited = key === null ? byDefault : setting.format(fromNode[key]);
    const viaFlushMessages = name === "flush.policy" && override === undefined && overrides.get("flush.messages") === "1";
    return row(name, setting, {
      value: override ?? (key === null ? byDefault : setting.format(effective[key])),
      source:
        override !== undefined || viaFlushMessages
          ? ConfigSource.SOURCE_TOPIC
          : inherited === byDefault
            ? ConfigSource.SOURCE_DEFAULT
            : ConfigSource.SOURCE_STATIC,
      readOnly: false,
      withoutEffect: key === null && !(name === "flush.messages" && override === "1" && !overrides.has("flush.policy")),
    });
  });
}

/** The settings of a node. The coarser forms of a duration (log.retention.hours) have a value where they can state it exactly. */
export function describeNodeConfig(loaded: LoadedConfig): DescribedConfig[] {
  return Object.entries(nodeSettings).flatMap(([key, each]) => {
    const setting = each as Setting<unknown>;
    const name = dottedName(key);
    const entry = loaded.entries.get(name);
    if (entry === undefined) throw new Error(`Cannot describe ${name}: the loaded configuration has no entry for it`);
    const source = entry.source === "default" ? ConfigSource.SOURCE_DEFAULT : ConfigSource.SOURCE_STATIC;
    const rest = { source, readOnly: true, withoutEffect: false };
    const coarser = (setting.coarser ?? []).map((form) => row(form.name, setting, { value: divided(entry.value, form.factor), ...rest }));
    return [row(name, setting, { value: entry.value, ...rest }), ...coarser];
  });
}

function divided(text: string, factor: number): string | undefined {
  const value = BigInt(text);
  if (value < 0n) return text;
  return value % BigInt(factor) === 0n ? String(value / BigInt(factor)) : undefined;
}

function row(
  name: string,
  setting: Setting<unknown>,
  rest: Pick<DescribedConfig, "value" | "source" | "readOnly" | "withoutEffect">,
): DescribedConfig {
  return { name, ...rest, sensitive: false, valueType: valueTypes[setting.type], documentation: setting.doc };
}
