import { Command } from "commander";
import { type Surroundings, withClusterOptions } from "../invocation.ts";
import { clusterCheckCommand } from "./cluster-check.ts";
import { clusterEventsCommand } from "./cluster-events.ts";
import { clusterStatusCommand } from "./cluster-status.ts";

export function clusterCommand(surroundings: Surroundings): Command {
  const command = new Command("cluster").description("the cluster as a whole");
  for (const make of [clusterStatusCommand, clusterCheckCommand, clusterEventsCommand])
    command.addCommand(withClusterOptions(make(surroundings)));
  return command;
}
