import { Command } from "commander";
import { clusterOptions, type Surroundings, withClient, withClusterOptions } from "../invocation.ts";
import { show } from "../output/show.ts";

export function featureCommand(surroundings: Surroundings): Command {
  const describe = withClusterOptions(new Command("describe"))
    .description("the level of each feature, and what the nodes support")
    .action(async (options: { bootstrap?: string; timeout: string; json: boolean }) => {
      const global = clusterOptions(options, surroundings);
      await withClient(global, async (ottla) => {
        const { features } = await ottla.admin().describeCluster({ signal: surroundings.signal });
        await show(surroundings.terminal, global.json, features, {
          empty: "The cluster names no features",
          columns: [{ title: "FEATURE" }, { title: "LEVEL", align: "right" }, { title: "SUPPORTED" }],
          row: ({ name, level, supportedMin, supportedMax }) => [name, level, `${supportedMin} to ${supportedMax}`],
        });
      });
    });
  return new Command("feature").description("levels of what the cluster may write").addCommand(describe);
}
