import type { ConfigProblem } from "./config-error.ts";
import { ignoredKafkaSetting } from "./kafka-names.ts";
import { didYouMean, editDistance, nearestName } from "./nearest.ts";
import { nodeSettings } from "./node-settings.ts";
import { parseProperties } from "./properties.ts";
import { dottedName, type Setting } from "./setting.ts";

export interface ConfigSources {
  readonly file?: { readonly path: string; readonly text: string };
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** By dotted name, without the dashes: `log.segment.bytes`. Dashes within the name stand for dots. */
  readonly flags?: Readonly<Record<string, string>>;
}

export interface Entry {
  readonly name: string;
  readonly value: string;
  readonly source: "file" | "environment" | "flag";
  /** For people: where exactly. */
  readonly where: string;
}

export interface Gathered {
  /** By setting name; a later source has replaced an earlier one. */
  readonly entries: Map<string, Entry>;
  readonly problems: ConfigProblem[];
  /** A set, so that each is said once. */
  readonly warnings: Set<string>;
}

/** Every name that may be set, coarser forms included. */
export const settingNames: ReadonlySet<string> = new Set(
  Object.entries(nodeSettings).flatMap(([key, setting]) => [
    dottedName(key),
    ...((setting as Setting<unknown>).coarser ?? []).map(({ name }) => name),
  ]),
);

/** Puts the sources on top of each other: file, environment (KAFKA_, then KAFKA_CFG_, then OTTLA_), flags. */
export function gather(sources: ConfigSources): Gathered {
  const gathered: Gathered = { entries: new Map(), problems: [], warnings: new Set() };
  if (sources.file !== undefined) addFile(sources.file, gathered);
  for (const prefix of ["KAFKA_", "KAFKA_CFG_", "OTTLA_"] as const) addEnvironment(prefix, sources.env ?? {}, gathered);
  for (const [flag, value] of Object.entries(sources.flags ?? {})) {
    add({ name: flag.replaceAll("-", "."), value, source: "flag", where: `flag --${flag}` }, gathered);
  }
  return gathered;
}

function add(entry: Entry, { entries, problems, warnings }: Gathered): void {
  if (settingNames.has(entry.name)) {
    entries.set(entry.name, entry);
    return;
  }
  const ignored = ignoredKafkaSetting(entry.name);
  if (ignored !== null) warnings.add(`${entry.name} (${entry.where}) ${ignored}`);
  else
    problems.push({
      name: entry.name,
      value: hideSecret(entry),
      source: entry.where,
      text: `is not a setting${didYouMean(entry.name, settingNames)}`,
    });
}

/** A misspelt password must not reach the log. */
function hideSecret({ name, value }: Entry): string {
  return /password|secret|jaas|credential|token|\.key$/.test(name) ? "[hidden]" : value;
}

function addFile(file: { path: string; text: string }, gathered: Gathered): void {
  const lines = new Map<string, number>();
  for (const { name, value, line, problem } of parseProperties(file.text)) {
    const where = `${file.path} line ${line}`;
    const earlier = lines.get(name);
    if (earlier !== undefined)
      gathered.warnings.add(`${name} is set twice in ${file.path}, on lines ${earlier} and ${line}: line ${line} applies`);
    lines.set(name, line);
    if (problem === undefined) add({ name, value, source: "file", where }, gathered);
    else gathered.problems.push({ name, value, source: where, text: problem });
  }
}

function addEnvironment(
  prefix: "KAFKA_" | "KAFKA_CFG_" | "OTTLA_",
  env: Readonly<Record<string, string | undefined>>,
  gathered: Gathered,
): void {
  for (const [variable, value] of Object.entries(env)) {
    if (value === undefined || !variable.startsWith(prefix)) continue;
    if (prefix === "KAFKA_" && variable.startsWith("KAFKA_CFG_")) continue;
    const name = variable.slice(prefix.length).toLowerCase().replaceAll("_", ".");
    const where = `environment variable ${variable}`;
    const entry: Entry = { name, value, source: "environment", where };
    const other = gathered.entries.get(name);
    if (other?.source === "environment" && other.value !== value) {
      gathered.warnings.add(
        `${name} is set by two environment variables: ${variable} applies, not ${other.where.replace("environment variable ", "")}`,
      );
    }
    if (prefix === "OTTLA_" || settingNames.has(name) || ignoredKafkaSetting(name) !== null) add(entry, gathered);
    else warnOfMisspelling(entry, prefix, gathered);
  }
}

/** Kafka's images use KAFKA_ for much that is no setting (KAFKA_HEAP_OPTS), so that only what is all but a setting is worth a word. */
function warnOfMisspelling({ name, where }: Entry, prefix: "KAFKA_" | "KAFKA_CFG_", { warnings }: Gathered): void {
  const nearest = nearestName(name, settingNames);
  const close = nearest !== null && editDistance(name, nearest) <= 2;
  if (prefix === "KAFKA_CFG_" || close) warnings.add(`${where} is ignored: ${name} is not a setting${didYouMean(name, settingNames)}`);
}
