import { version } from "@ottla/node";
import { Command, CommanderError } from "commander";
import { benchCommand } from "./commands/bench.ts";
import { brokerCommand } from "./commands/broker.ts";
import { clusterCommand } from "./commands/cluster.ts";
import { completionCommand } from "./commands/completion.ts";
import { configCommand } from "./commands/config.ts";
import { consumeCommand } from "./commands/consume.ts";
import { controllerCommand } from "./commands/controller.ts";
import { debugCommand } from "./commands/debug.ts";
import { featureCommand } from "./commands/feature.ts";
import { offsetsCommand } from "./commands/offsets.ts";
import { partitionCommand } from "./commands/partition.ts";
import { produceCommand } from "./commands/produce.ts";
import { recoverCommand } from "./commands/recover.ts";
import { startCommand } from "./commands/start.ts";
import { topicCommand } from "./commands/topic.ts";
import { exitCodes, UsageError } from "./exit-codes.ts";
import { InterruptedError, interruptSignal } from "./interrupt.ts";
import type { Surroundings } from "./invocation.ts";
import { OutputClosedError, processTerminal, type Terminal } from "./terminal.ts";

/** The whole command line.
 * @returns the exit code */
export async function run(argv: readonly string[], given: Partial<Surroundings> = {}): Promise<number> {
  let stopped = false;
  const surroundings: Surroundings = {
    terminal: given.terminal ?? processTerminal(),
    env: given.env ?? process.env,
    signal: given.signal ?? interruptSignal(),
    stopped: () => {
      stopped = true;
    },
  };
  const program = createProgram(surroundings);
  try {
    await program.parseAsync(argv, { from: "user" });
    return surroundings.signal.aborted && !stopped ? exitCodes.interrupted : exitCodes.ok;
  } catch (error) {
    return report(error, surroundings.terminal);
  }
}

export function createProgram(surroundings: Surroundings): Command {
  const program = new Command("ottla")
    .description("The Kafka you can npm install: a replicated, partitioned log")
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void surroundings.terminal.write(text),
      writeErr: (text) => surroundings.terminal.error(text),
    })
    .addHelpText(
      "after",
      "\nStart a node with `ottla start`, then in another terminal:\n  ottla topic create orders\n  echo hello | ottla produce orders\n  ottla consume orders\n\nExit codes: 0 done (a node: stopped in order), 1 refused or failed, 2 wrong command line or setting, 130 interrupted.",
    );
  for (const make of [
    startCommand,
    topicCommand,
    produceCommand,
    consumeCommand,
    offsetsCommand,
    clusterCommand,
    brokerCommand,
    partitionCommand,
    controllerCommand,
    configCommand,
    featureCommand,
    benchCommand,
    recoverCommand,
    debugCommand,
  ])
    program.addCommand(make(surroundings));
  program.addCommand(completionCommand(surroundings, program));
  for (const command of [...program.commands, ...program.commands.flatMap((one) => one.commands)]) command.copyInheritedSettings(program);
  return program;
}

/** Expected errors are one clear line; anything else is a bug and shows where it happened. */
function report(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof OutputClosedError) return exitCodes.ok;
  if (error instanceof InterruptedError) return exitCodes.interrupted;
  if (!(error instanceof Error)) throw error;
  if (error.cause instanceof InterruptedError) return exitCodes.interrupted;
  if (error instanceof TypeError || error instanceof RangeError || error.name === "AssertionError") throw error;
  terminal.error(`ottla: ${error.message}\n`);
  return error instanceof UsageError || error.name === "ConfigError" ? exitCodes.usage : exitCodes.failed;
}
