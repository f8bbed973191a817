import { ConfigError } from "./config-error.ts";
import { checkTogether } from "./cross-checks.ts";
import { withDerivedDefaults } from "./derived-defaults.ts";
import { nodeSettings, type NodeConfig, type NodeKey } from "./node-settings.ts";
import { BadValue, dottedName, type Setting } from "./setting.ts";
import { gather, type ConfigSources, type Entry, type Gathered } from "./sources.ts";

export interface LoadedConfig {
  readonly config: NodeConfig;
  /** For the log, once each. */
  readonly warnings: readonly string[];
  /** What is in force, by dotted name, in Kafka's written form. */
  readonly entries: ReadonlyMap<string, ConfigEntry>;
}

export interface ConfigEntry {
  readonly value: string;
  readonly source: "default" | Entry["source"];
}

/** Reads a node's configuration: default < file < environment < flag, setting by setting.
 * @throws ConfigError with every problem: unknown names, values outside their range, values that do not go together */
export function loadNodeConfig(sources: ConfigSources): LoadedConfig {
  const gathered = gather(sources);
  const { problems, warnings } = gathered;
  const values: Record<string, unknown> = {};
  const setBy = new Map<string, Entry>();
  for (const [key, setting] of rows) {
    values[key] = setting.default;
    const found = firstSet(dottedName(key), setting, gathered);
    if (found === null) continue;
    setBy.set(key, found.entry);
    try {
      values[key] = found.parse((text) => warnings.add(`${found.entry.name}=${found.entry.value} (${found.entry.where}): ${text}`));
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      problems.push({ name: found.entry.name, value: found.entry.value, source: found.entry.where, text: error.message });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const config = withDerivedDefaults(values as unknown as NodeConfig);
  const format = (key: NodeKey): string => (nodeSettings[key] as Setting<unknown>).format(config[key]);
  checkTogether(
    config,
    (key, text) => problems.push({ name: dottedName(key), value: format(key), source: setBy.get(key)?.where ?? "default", text }),
    (text) => warnings.add(text),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  const entries = new Map(
    rows.map(([key]) => [dottedName(key), { value: format(key), source: setBy.get(key)?.source ?? ("default" as const) }]),
  );
  return { config, warnings: [...warnings], entries };
}

const rows = Object.entries(nodeSettings) as [NodeKey, Setting<unknown>][];

/** The finest form that is set, whatever its source, as in Kafka: log.retention.ms before .minutes before .hours. */
function firstSet(
  name: string,
  setting: Setting<unknown>,
  { entries, warnings }: Gathered,
): { entry: Entry; parse(warn: (text: string) => void): unknown } | null {
  const forms = [{ name, factor: 1 }, ...(setting.coarser ?? [])].flatMap((form) => {
    const entry = entries.get(form.name);
    return entry === undefined ? [] : [{ entry, factor: form.factor }];
  });
  const [first, ...others] = forms;
  if (first === undefined) return null;
  for (const { entry } of others)
    warnings.add(`${entry.name}=${entry.value} (${entry.where}) has no effect: ${first.entry.name} is set by ${first.entry.where}`);
  const { entry, factor } = first;
  return {
    entry,
    parse: (warn) => (factor === 1 ? setting.parse(entry.value, warn) : parseCoarse(name, entry.value, factor, setting, warn)),
  };
}

function parseCoarse(name: string, text: string, factor: number, setting: Setting<unknown>, warn: (text: string) => void): unknown {
  const value = multiplied(text, factor);
  try {
    return setting.parse(value, warn);
  } catch (error) {
    if (error instanceof BadValue) throw new BadValue(`makes ${name}=${value}, which ${error.message}`);
    throw error;
  }
}

function multiplied(text: string, factor: number): string {
  const trimmed = text.trim();
  if (!/^-?\d{1,10}$/.test(trimmed)) throw new BadValue("must be a whole number, written in digits without a unit");
  return trimmed.startsWith("-") ? trimmed : String(BigInt(trimmed) * BigInt(factor));
}
