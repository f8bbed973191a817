import { readFile } from "node:fs/promises";
import type { ConfigEntry, ConfigResource } from "@ottla/client";
import { describeNodeConfig, loadNodeConfig } from "@ottla/protocol";
import { Command } from "commander";
import { UsageError } from "../exit-codes.ts";
import { assignments, clusterOptions, collect, type Surroundings, withClient, withClusterOptions } from "../invocation.ts";
import { show } from "../output/show.ts";

interface Target {
  bootstrap?: string;
  timeout: string;
  json: boolean;
  topic?: string;
  node?: string;
}

export function configCommand(surroundings: Surroundings): Command {
  return new Command("config")
    .description("settings of topics and nodes")
    .addCommand(listCommand(surroundings))
    .addCommand(checkCommand(surroundings))
    .addCommand(withClusterOptions(describeCommand(surroundings)))
    .addCommand(withClusterOptions(alterCommand(surroundings)));
}

function listCommand({ terminal }: Surroundings): Command {
  return new Command("list")
    .description("every setting that a node takes, with its default and meaning")
    .option("--json", "print JSON, for programs", false)
    .action(async ({ json }: { json: boolean }) => {
      const settings = describeNodeConfig(loadNodeConfig({})).map(({ name, value, documentation }) => ({
        name,
        default: value ?? null,
        documentation,
      }));
      if (json) return show(terminal, true, settings, { empty: "", columns: [], row: () => [] });
      for (const { name, default: value, documentation } of settings)
        await terminal.write(`${name}=${value ?? ""}\n    ${documentation}\n`);
    });
}

function checkCommand({ terminal, env }: Surroundings): Command {
  return new Command("check")
    .description("check a .properties file together with the environment, start nothing")
    .argument("<file>")
    .action(async (file: string) => {
      const { OTTLA_BOOTSTRAP: _, ...nodeEnv } = env;
      const text = await readFile(file, "utf8").catch((error: Error) => {
        throw new UsageError(`Cannot read ${file}: ${error.message}`);
      });
      const { warnings, entries } = loadNodeConfig({ file: { path: file, text }, env: nodeEnv });
      for (const warning of warnings) terminal.error(`Warning: ${warning}\n`);
      const set = [...entries].filter(([, { source }]) => source !== "default");
      await show(terminal, false, set, {
        empty: `${file} is right and sets nothing`,
        columns: [{ title: "SETTING" }, { title: "VALUE" }, { title: "FROM" }],
        row: ([name, { value, source }]) => [name, value, source],
      });
    });
}

function describeCommand(surroundings: Surroundings): Command {
  return new Command("describe")
    .description("the settings in force for a topic or a node")
    .option("-t, --topic <name>")
    .option("--node <id>")
    .option("--all", "also those at their default", false)
    .action(async (options: Target & { all: boolean }) => {
      const cluster = clusterOptions(options, surroundings);
      await withClient(cluster, async (ottla) => {
        const [described] = await ottla.admin().describeConfigs([resource(options)], { signal: surroundings.signal });
        const configs = (described?.configs ?? []).filter(({ source }) => options.all || source !== "default");
        await showConfigs(surroundings, cluster.json, configs);
      });
    });
}

function alterCommand(surroundings: Surroundings): Command {
  return new Command("alter")
    .description("change settings of a topic while it runs")
    .option("-t, --topic <name>")
    .option("--node <id>", "default: for all nodes")
    .option("-s, --set <name=value>", "may be repeated", collect, [])
    .option("-d, --delete <name>", "back to the default, may be repeated", collect, [])
    .option("--validate-only", "check, change nothing", false)
    .action(async (options: Target & { set: string[]; delete: string[]; validateOnly: boolean }) => {
      const cluster = clusterOptions(options, surroundings);
      const target = resource(options);
      const set = {
        ...Object.fromEntries(options.delete.map((name) => [name, null])),
        ...Object.fromEntries(assignments("--set", options.set)),
      };
      if (Object.keys(set).length === 0) throw new UsageError("Nothing to alter; give --set name=value or --delete name");
      await withClient(cluster, async (ottla) => {
        const admin = ottla.admin();
        await admin.alterConfigs([{ resource: target, set }], { validateOnly: options.validateOnly, signal: surroundings.signal });
        const [described] = await admin.describeConfigs([target], { signal: surroundings.signal });
        await showConfigs(
          surroundings,
          cluster.json,
          (described?.configs ?? []).filter(({ source }) => source !== "default"),
        );
      });
    });
}

function resource({ topic, node }: Target): ConfigResource {
  if (topic !== undefined && node === undefined) return { topic };
  if (node === "default" && topic === undefined) return { broker: "default" };
  if (node !== undefined && topic === undefined && /^\d+$/.test(node)) return { broker: Number(node) };
  throw new UsageError("Whose settings? Give either --topic NAME, --node ID or --node default");
}

function showConfigs({ terminal }: Surroundings, json: boolean, configs: readonly ConfigEntry[]): Promise<void> {
  return show(terminal, json, configs, {
    empty: "Everything is at its default (--all shows it)",
    columns: [{ title: "SETTING" }, { title: "VALUE" }, { title: "FROM" }, { title: "" }],
    row: ({ name, value, source, withoutEffect }) => [name, value, source, withoutEffect ? "without effect here" : ""],
  });
}
