// Every setting has an effect: something outside the schema reads it. Otherwise the reference would describe an option that does nothing.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { nodeSettingRows, topicSettingRows } from "@ottla/protocol";

const packages = fileURLToPath(new URL("../packages", import.meta.url));
const schema = path.join("protocol", "src", "config");
/** The file in which a topic's settings fall back to the node's. */
const inheritance = path.join(schema, "topic-settings.ts");

/** Its value has one form that is accepted, and that is all it is for: a configuration made for Kafka that asks for another is refused. */
const checkedOnly = new Set(["process.roles", "listener.security.protocol.map"]);

const sources = readdirSync(packages, { recursive: true, encoding: "utf8" }).filter(
  (file) => /^[^/\\]+[/\\]src[/\\].*\.ts$/.test(file) && !/\.test([.-]kit)?\.ts$/.test(file) && !file.startsWith(schema),
);
const contents = (file: string): string => readFileSync(path.join(packages, file), "utf8");
const inherited = [...contents(inheritance).matchAll(/\bconfig\.(\w+)/g)].map((match) => match[1]);
const read = new Set([
  ...sources.flatMap((file) => contents(file).match(/\b[a-z]+[A-Z]\w*\b|(?<=\bconfig\.)[a-z]+\b/g) ?? []),
  ...inherited,
]);

const idle = [...nodeSettingRows(), ...topicSettingRows().effective]
  .map(({ name }) => name)
  .filter((name) => !checkedOnly.has(name) && !read.has(camelCase(name)));
for (const name of idle)
  console.error(`${name} is a setting, but nothing reads ${camelCase(name)}: give it an effect or take it out of the schema`);
if (idle.length > 0) process.exitCode = 1;

function camelCase(name: string): string {
  return name.replace(/\.(.)/g, (_, letter: string) => letter.toUpperCase());
}
