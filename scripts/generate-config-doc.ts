// Writes docs/config.md from the schema of the settings. With --check: says whether it is up to date instead.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { nodeSettingRows, topicSettingRows, type SettingRow } from "@ottla/protocol";

const path = fileURLToPath(new URL("../docs/config.md", import.meta.url));
const topics = topicSettingRows();

const text = `# Configuration

Generated from the schema in \`packages/protocol/src/config\` by \`npm run generate\`. Do not edit.

Names are Kafka's own where Kafka has the setting. Names that end in \`.ms\`, \`.minutes\` and \`.hours\` are durations in that unit, names that end in
\`.bytes\` are sizes in bytes; both are plain whole numbers without a unit, as in Kafka. 9223372036854775807 (and anything above 2^53 - 1) means
without limit.

## Where settings come from

From the weakest to the strongest; each setting is looked up by itself, so that setting one never drops the others.

1. The default.
2. A file in \`.properties\` form (\`ottla start --config server.properties\`): \`name=value\`, \`name: value\` or \`name value\`; comments begin with
   \`#\` or \`!\`; a backslash at the end of a line continues it; \`\\t \\n \\r \\f \\uXXXX\` are escapes, and a backslash itself is written \`\\\\\`.
3. The environment: \`OTTLA_LOG_SEGMENT_BYTES\` for \`log.segment.bytes\`. \`KAFKA_LOG_SEGMENT_BYTES\` and \`KAFKA_CFG_LOG_SEGMENT_BYTES\` are understood too;
   \`OTTLA_\` wins over \`KAFKA_CFG_\`, which wins over \`KAFKA_\`.
4. A flag: \`--log.segment.bytes 1048576\` or \`--log-segment-bytes 1048576\`.

A name that is not a setting is an error with the nearest right name, in a file, a flag and \`OTTLA_…\`. A setting that Kafka has and Ottla has no use for
warns once and is ignored, so that a configuration made for Kafka starts; the listeners of Kafka's own protocol are among them in this
version. \`KAFKA_…\` variables that are no settings (\`KAFKA_HEAP_OPTS\`) are ignored. Every problem is reported at once, with its file and line.

Where a duration has several names, the finest that is set wins, wherever it is set: \`log.retention.ms\` before \`log.retention.minutes\` before
\`log.retention.hours\`, as in Kafka.

## Doors

All doors are bound to loopback by default, because this version has neither encryption nor authentication. \`listeners=PLAINTEXT://:9092\` opens
the door for clients to the network, and the node warns about it at every start. An address is \`host:port\` or \`NAME://host:port\`, IPv6 in brackets
(\`[::1]:9093\`), port 0 picks a free port. \`CONTROLLER://\` entries of a Kafka configuration are ignored with a warning; \`SSL://\` and \`SASL_…://\`
are refused rather than opened without protection.

## Settings of a node

Read at the start; a change takes a restart.

${nodeSettingRows().map(section).join("\n")}
## Settings of a topic

Set with \`ottla topic create --config name=value\` and \`ottla topic alter\`. A topic without a value of its own follows the node's setting.

${topics.effective.map(section).join("\n")}
## Settings of a topic that have no effect

Kafka's other topic settings are checked, stored and shown as having no effect, because tools set and read them. \`cleanup.policy=compact\` is refused:
there is no compaction in this version, and a topic that only pretended would lose what its users expect to keep. So is a \`compression.type\`
other than \`producer\`.

| name | must be | default |
| --- | --- | --- |
${topics.withoutEffect.map((row) => `| \`${row.name}\` | ${cell(row.allowed)} | ${cell(shown(row.default))} |`).join("\n")}
`;

function section(row: SettingRow): string {
  const also = row.coarser.length === 0 ? "" : `\n- Also: ${row.coarser.map((name) => `\`${name}\``).join(", ")}.`;
  return `### \`${row.name}\`\n\n${plain(row.doc)}\n\n- Must be ${plain(row.allowed)}.\n- Default: ${shown(row.default)}${also}\n`;
}

function shown(value: string): string {
  return value === "" ? "nothing" : `\`${value}\``;
}

function cell(value: string): string {
  return plain(value).replaceAll("|", "\\|");
}

/** `<ms>` is not meant as HTML. */
function plain(value: string): string {
  return value.replaceAll("<", "&lt;");
}

if (!process.argv.includes("--check")) writeFileSync(path, text);
else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
  console.error("docs/config.md does not match the settings: run npm run generate");
  process.exitCode = 1;
}
