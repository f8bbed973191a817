import { Command } from "commander";
import { type Surroundings, withClusterOptions } from "../invocation.ts";
import { clusterCheckCommand } from "./cluster-check.ts";
import { clusterEventsCommand } from "./cluster-events.ts";
import { clusterNodeCommand } from "./cluster-node.ts";
import { clusterStartCommand } from "./cluster-start.ts";
import { clusterStatusCommand } from "./cluster-status.ts";

export function clusterCommand(surroundings: Surroundings): Command {
  const command = new Command("cluster").description("the cluster as a whole");
  for (const make of [clusterStatusCommand, clusterCheckCommand, clusterEventsCommand])
    command.addCommand(withClusterOptions(make(surroundings)));
  for (const make of [clusterStartCommand, clusterNodeCommand("kill"), clusterNodeCommand("stop"), clusterNodeCommand("restart")])
    command.addCommand(make(surroundings));
  return command;
}
