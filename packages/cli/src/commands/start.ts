import { readFile } from "node:fs/promises";
import { type Node, version } from "@ottla/node";
import { type LoadedConfig, loadNodeConfig } from "@ottla/protocol";
import { Command } from "commander";
import { exitCodes, UsageError } from "../exit-codes.ts";
import type { Surroundings } from "../invocation.ts";
import { settingFlags } from "../setting-flags.ts";

/** What a node that failed has to end in order. */
const FAILED_END_MS = 1000;

export function startCommand(surroundings: Surroundings): Command {
  return new Command("start")
    .description("run a node in this terminal until SIGINT or SIGTERM")
    .argument(
      "[settings...]",
      "every setting as a flag: --data-dir ./data, --node-id 1, --log-segment-bytes 1073741824 (`ottla config list` shows all)",
    )
    .option("-c, --config <file>", "settings in a .properties file; the environment (OTTLA_DATA_DIR …) and flags come before it")
    .option("--json", "one JSON line when ready, for programs", false)
    .allowUnknownOption()
    .action(async (settings: string[], options: { config?: string; json: boolean }) => {
      const startedMs = performance.now() - process.uptime() * 1000;
      const loaded = await load(settings, options.config, surroundings.env);
      const { Node } = await import("@ottla/node");
      const { createLogger } = await import("../log-lines.ts");
      const logger = createLogger(loaded.config, surroundings.terminal);
      await using node = await Node.start({ loaded, logger, signal: surroundings.signal });
      // A broken disk may hold up its end for as long as it likes; others take over once the process is gone.
      void node.failed.then(() => setTimeout(() => process.exit(exitCodes.failed), FAILED_END_MS).unref());
      await announce(node, performance.now() - startedMs, options.json, surroundings);
      const stopped = await Promise.race([node.closed, aborted(surroundings.signal)]);
      if (stopped instanceof Error) throw stopped;
      surroundings.terminal.error(
        surroundings.terminal.interactive ? "\nStopping: answering what is in flight, closing logs. Press Ctrl-C again to kill.\n" : "",
      );
      await node.close();
      surroundings.stopped();
    });
}

async function load(settings: readonly string[], file: string | undefined, env: Surroundings["env"]): Promise<LoadedConfig> {
  // OTTLA_BOOTSTRAP belongs to the commands that talk to a cluster, not to a node.
  const { OTTLA_BOOTSTRAP: _, ...nodeEnv } = env;
  return loadNodeConfig({ ...(file ? { file: { path: file, text: await read(file) } } : {}), env: nodeEnv, flags: settingFlags(settings) });
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new UsageError(`Cannot read --config ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function announce(node: Node, elapsedMs: number, json: boolean, { terminal }: Surroundings): Promise<void> {
  const http = node.httpAddress;
  if (json) {
    return terminal.write(
      `${JSON.stringify({ event: "ready", version, nodeId: node.nodeId, clusterId: node.clusterId, bootstrap: node.bootstrap, kafka: node.kafkaBootstrap, http: http && `${http.host}:${http.port}`, dataDir: node.dataDirectory, startMs: Math.round(elapsedMs) })}\n`,
    );
  }
  const at = node.bootstrap.join(",");
  const option = at === "127.0.0.1:9093" ? "" : ` -b ${at}`;
  await terminal.write(
    [
      `Ottla ${version}: node ${node.nodeId} is ready after ${(elapsedMs / 1000).toFixed(2)} s`,
      `  clients    ${at}`,
      `  Kafka's    ${node.kafkaBootstrap.join(",")} (bootstrap.servers)`,
      ...(http ? [`  health     http://${http.host}:${http.port}/healthz  /readyz  /metrics`] : []),
      `  data       ${node.dataDirectory}`,
      "",
      "Next, in another terminal:",
      `  npx ottla topic create orders --partitions 3${option}`,
      `  echo '{"id":1}' | npx ottla produce orders${option}`,
      `  npx ottla consume orders${option}`,
      `  npx ottla cluster status${option}`,
      "",
      "Ctrl-C stops the node; what was acknowledged stays.",
      "",
    ].join("\n"),
  );
}

function aborted(signal: AbortSignal): Promise<"stopped"> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve("stopped");
    else signal.addEventListener("abort", () => resolve("stopped"), { once: true });
  });
}
