import { inertTopicSettings } from "./inert-topic-settings.ts";
import { nodeSettings } from "./node-settings.ts";
import { dottedName, type Setting } from "./setting.ts";
import { topicSettingTable } from "./topic-settings.ts";

/** One setting for people: in the reference, in a help text, in a completion. */
export interface SettingRow {
  readonly name: string;
  readonly type: string;
  readonly default: string;
  /** Completes "must be …". */
  readonly allowed: string;
  readonly doc: string;
  /** Other names for the same value in a coarser unit, the one that wins first. */
  readonly coarser: readonly string[];
}

export function nodeSettingRows(): SettingRow[] {
  return rows(Object.entries(nodeSettings).map(([key, setting]) => [dottedName(key), setting]));
}

/** The settings of topics: those with an effect, and Kafka's others, which are stored and shown. */
export function topicSettingRows(): { effective: SettingRow[]; withoutEffect: SettingRow[] } {
  return {
    effective: rows(Object.entries(topicSettingTable).map(([key, setting]) => [dottedName(key), setting])),
    withoutEffect: rows([...inertTopicSettings]),
  };
}

function rows(settings: readonly (readonly [string, Setting<unknown>])[]): SettingRow[] {
  return settings.map(([name, setting]) => ({
    name,
    type: setting.type,
    default: setting.defaultText ?? setting.format(setting.default),
    allowed: setting.allowed,
    doc: setting.doc,
    coarser: (setting.coarser ?? []).map((form) => form.name),
  }));
}
