import { join, resolve } from "node:path";
import { nodeHost } from "@ottla/host";
import type { DamagedOffsets, Log } from "@ottla/log";
import { loadNodeConfig } from "@ottla/protocol";
import { Command } from "commander";
import type { Surroundings } from "../invocation.ts";
import { Progress } from "../output/progress.ts";
import { show } from "../output/show.ts";
import { lockDataDirectory, withLogs } from "../recover/data-directory.ts";
import { scan } from "../recover/scan.ts";

interface Found extends DamagedOffsets {
  readonly log: string;
}

interface Options {
  dataDir?: string;
  acceptLoss: boolean;
  json: boolean;
}

export function recoverCommand(surroundings: Surroundings): Command {
  return new Command("recover")
    .description("read everything in the data directory of a stopped node, list what is damaged, and give it up if told so")
    .option("--data-dir <path>", "default: data.dir")
    .option("--accept-loss", "give up the damaged offsets: a copy of each file is kept beside it, readers pass over the gap", false)
    .option("--json", "print JSON, for programs", false)
    .action((options: Options) => recover(options, surroundings));
}

async function recover(options: Options, surroundings: Surroundings): Promise<void> {
  const { terminal, env } = surroundings;
  const { OTTLA_BOOTSTRAP: _, ...nodeEnv } = env;
  const { config } = loadNodeConfig({ env: nodeEnv, flags: options.dataDir === undefined ? {} : { "data.dir": options.dataDir } });
  const dataDir = resolve(config.dataDir);
  const host = nodeHost();
  const lock = await lockDataDirectory(host.disk, dataDir);
  try {
    let found: Found[] = [];
    await withLogs(host, config, join(dataDir, "log"), async (logs) => {
      found = await damageIn(logs, dataDir, surroundings);
      if (options.acceptLoss) for (const log of logs) await log.acceptLoss();
      return found.length > 0;
    });
    await show(terminal, options.json, found, {
      empty: `Nothing is damaged in ${dataDir}`,
      columns: [{ title: "LOG" }, { title: "FROM", align: "right" }, { title: "UNTIL", align: "right" }, { title: "FILE" }, { title: "" }],
      row: ({ log, from, until, file }) => [log, from, until, file, options.acceptLoss ? "given up" : "damaged"],
    });
    if (found.length > 0 && !options.acceptLoss)
      terminal.error("These offsets answer an error until they are restored from a copy, or given up with --accept-loss\n");
  } finally {
    await lock.release();
  }
}

async function damageIn(logs: readonly Log[], dataDir: string, { terminal, signal }: Surroundings): Promise<Found[]> {
  const found: Found[] = [];
  using progress = new Progress(
    terminal,
    `Reading ${dataDir}`,
    logs.reduce((sum, { endOffset, startOffset }) => sum + endOffset - startOffset, 0),
  );
  for (const log of logs) {
    const ranges = await scan(log, signal, (records, bytes) => progress.add(records, bytes));
    found.push(...ranges.map((range) => ({ log: log.name, ...range })));
  }
  progress.end();
  return found;
}
