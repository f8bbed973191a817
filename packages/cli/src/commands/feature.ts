import type { Feature } from "@ottla/client";
import { Command } from "commander";
import { clusterOptions, type Surroundings, wholeNumber, withClient, withClusterOptions } from "../invocation.ts";
import { show } from "../output/show.ts";

interface Common {
  bootstrap?: string;
  timeout: string;
  json: boolean;
}

export function featureCommand(surroundings: Surroundings): Command {
  return new Command("feature")
    .description("levels of what the cluster may write")
    .addCommand(withClusterOptions(describeCommand(surroundings)))
    .addCommand(withClusterOptions(upgradeCommand(surroundings)));
}

function describeCommand(surroundings: Surroundings): Command {
  return new Command("describe").description("the level of each feature, and what every node supports").action(async (options: Common) => {
    const global = clusterOptions(options, surroundings);
    await withClient(global, async (ottla) => {
      const { features } = await ottla.admin().describeCluster({ signal: surroundings.signal });
      await showFeatures(surroundings, global.json, features);
    });
  });
}

function upgradeCommand(surroundings: Surroundings): Command {
  return new Command("upgrade")
    .description("raise a feature, once every node runs a version that supports it; there may be no way back")
    .argument("[name]", "the feature", "metadata.version")
    .option("--level <number>", "default: the highest that every node supports")
    .option("--validate-only", "check, change nothing", false)
    .action(async (name: string, options: Common & { level?: string; validateOnly: boolean }) => {
      const global = clusterOptions(options, surroundings);
      const { signal } = surroundings;
      await withClient(global, async (ottla) => {
        const admin = ottla.admin();
        const { features } = await admin.describeCluster({ signal });
        const known = features.find((feature) => feature.name === name);
        if (known === undefined)
          throw new Error(`There is no feature "${name}": the cluster has ${features.map((feature) => feature.name).join(", ")}`);
        const level = options.level === undefined ? known.supportedMax : wholeNumber("--level", options.level, 0);
        if (level === known.level) {
          if (!global.json) surroundings.terminal.error(`${name} is at level ${level} already\n`);
          return showFeatures(surroundings, global.json, [known]);
        }
        const feature = await admin.updateFeature(name, level, { validateOnly: options.validateOnly, signal });
        await showFeatures(surroundings, global.json, [feature]);
      });
    });
}

function showFeatures({ terminal }: Surroundings, json: boolean, features: readonly Feature[]): Promise<void> {
  return show(terminal, json, features, {
    empty: "The cluster names no features",
    columns: [{ title: "FEATURE" }, { title: "LEVEL", align: "right" }, { title: "SUPPORTED" }],
    row: ({ name, level, supportedMin, supportedMax }) => [name, level, `${supportedMin} to ${supportedMax}`],
  });
}
