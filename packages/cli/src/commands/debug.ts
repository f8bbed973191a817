import { Command } from "commander";
import type { Surroundings } from "../invocation.ts";
import { wireCommand } from "./debug-wire.ts";

export function debugCommand(surroundings: Surroundings): Command {
  return new Command("debug").description("look at what clients and servers do").addCommand(wireCommand(surroundings));
}
