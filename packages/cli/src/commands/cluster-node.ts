import { Command } from "commander";
import { type Surroundings, wholeNumber } from "../invocation.ts";
import { ask } from "../local-cluster/control.ts";
import type { NodeAction } from "../local-cluster/local-cluster.ts";
import { defaultClusterDirectory } from "./cluster-start.ts";

const words: Record<NodeAction, string> = {
  kill: "end one node of a cluster that `ottla cluster start` runs, with SIGKILL",
  stop: "stop one node of a cluster that `ottla cluster start` runs, in order",
  restart: "stop one node of a cluster that `ottla cluster start` runs if it runs, and start it",
};

/** `ottla cluster kill|stop|restart ID`, from another terminal than that of the cluster. */
export function clusterNodeCommand(action: NodeAction): (surroundings: Surroundings) => Command {
  return ({ terminal }) =>
    new Command(action)
      .description(words[action])
      .argument("<id>", "the node")
      .option("--data-dir <path>", "the one that was given to ottla cluster start", defaultClusterDirectory)
      .action(async (id: string, { dataDir }: { dataDir: string }) => {
        await terminal.write(`${await ask(dataDir, action, wholeNumber("The node", id, 0))}\n`);
      });
}
