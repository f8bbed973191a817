import { Command } from "commander";
import { UsageError } from "../exit-codes.ts";
import { type Surroundings, wholeNumber } from "../invocation.ts";
import { Control } from "../local-cluster/control.ts";
import { LocalCluster } from "../local-cluster/local-cluster.ts";
import type { LocalNode } from "../local-cluster/local-node.ts";
import { nodesIn, plan } from "../local-cluster/plan.ts";
import { Screen } from "../local-cluster/screen.ts";
import { Surveyor, type Survey } from "../local-cluster/survey.ts";
import { settingFlags } from "../setting-flags.ts";

export const defaultClusterDirectory = "./ottla-cluster";
const defaultNodes = 3;
const mostNodes = 50;
const surveyIntervalMs = 1_000;

interface Options {
  readonly nodes?: string;
  readonly dataDir: string;
  readonly basePort: string;
  readonly json: boolean;
}

export function clusterStartCommand(surroundings: Surroundings): Command {
  return new Command("start")
    .description("run a cluster of node processes on this machine, in this terminal, until SIGINT or SIGTERM")
    .argument("[settings...]", "settings for every node as flags, such as --log-segment-bytes 1048576")
    .option("--nodes <number>", "how many; by default as many as the data directory has, else 3 (the first three vote)")
    .option("--data-dir <path>", "holds one data directory and one log file a node", defaultClusterDirectory)
    .option(
      "--base-port <port>",
      "first port of the first node, for Kafka's clients: Ottla's own at +1, HTTP at +2, nodes at +3, each further node 100 above",
      "9092",
    )
    .option("--json", "one JSON line for every event on standard output, for programs", false)
    .allowUnknownOption()
    .action(async (settings: string[], options: Options) => {
      // Wrong ones are told before three processes say it.
      for (const name of Object.keys(settingFlags(settings))) refuseOwn(name);
      const found = await nodesIn(options.dataDir);
      const nodes = options.nodes === undefined ? Math.max(found, 1) : wholeNumber("--nodes", options.nodes, 1, mostNodes);
      if (nodes < found)
        throw new UsageError(
          `--nodes is ${nodes}; ${options.dataDir} holds ${found} nodes, remove one from the cluster before its directory`,
        );
      const plans = plan({
        dataDir: options.dataDir,
        nodes: options.nodes === undefined && found === 0 ? defaultNodes : nodes,
        basePort: wholeNumber("--base-port", options.basePort, 1, 65_535),
        settings,
      });
      await run(options, plans, surroundings);
    });
}

const ownSettings = new Map([
  ["node.id", "the cluster numbers its nodes"],
  ["listeners", "use --base-port"],
  ["advertised.listeners", "the nodes are on this machine's loopback"],
  ["grpc.listeners", "use --base-port"],
  ["http.listeners", "use --base-port"],
  ["node.listeners", "use --base-port"],
  ["controller.quorum.voters", "the first three nodes vote"],
  ["controller.quorum.bootstrap.servers", "the cluster is its own"],
]);

function refuseOwn(name: string): void {
  const why = ownSettings.get(name);
  if (why !== undefined) throw new UsageError(`--${name.replaceAll(".", "-")} cannot be the same for every node; ${why}`);
}

async function run(options: Options, plans: ReturnType<typeof plan>, surroundings: Surroundings): Promise<void> {
  const { terminal, signal } = surroundings;
  const screen = new Screen(terminal);
  const startedMs = performance.now();
  let live = false;
  const tell = (node: LocalNode): void => {
    const { state } = node;
    if (options.json) void terminal.write(`${JSON.stringify({ event: "node", nodeId: node.plan.nodeId, state })}\n`);
    else for (const line of inWords(node, live, options.dataDir)) screen.say(line);
  };
  await using cluster = await LocalCluster.prepare(options.dataDir, plans, tell);
  await using _control = await Control.open(options.dataDir, cluster);
  await cluster.start(signal);
  live = true;
  const bootstrap = plans.map(({ grpc }) => grpc).join(",");
  const kafka = plans.map((each) => each.kafka);
  const startMs = Math.round(performance.now() - startedMs);
  if (options.json)
    await terminal.write(`${JSON.stringify({ event: "ready", pid: process.pid, bootstrap: bootstrap.split(","), kafka, startMs })}\n`);
  else await terminal.write(welcome(options, bootstrap, kafka, startMs));
  if (terminal.interactive && !options.json) await watch(screen, cluster, bootstrap.split(","), signal);
  else await aborted(signal);
  live = false;
  if (!options.json) screen.say("Stopping all nodes: each answers what is in flight and closes its logs. Press Ctrl-C again to kill.");
  await cluster[Symbol.asyncDispose]();
  surroundings.stopped();
}

/** Only what nobody at this terminal could have expected needs many words. */
function inWords({ plan: { nodeId, logFile }, state, lastWords }: LocalNode, live: boolean, dataDir: string): string[] {
  switch (state.kind) {
    case "starting":
      return [`Node ${nodeId} starts, process ${state.pid}`];
    case "ready":
      return [`Node ${nodeId} is ready after ${(state.startMs / 1000).toFixed(2)} s`];
    case "stopping":
      return [`Node ${nodeId} is stopping`];
    case "ended":
      if (!state.unasked) return [`Node ${nodeId} ended ${state.how}`];
      return [
        `Node ${nodeId} ENDED ${state.how}, which nobody here asked for${lastWords === "" ? "" : `; its last words (${logFile}):`}`,
        ...lastWords.split("\n").filter((line) => line !== ""),
        ...(live ? [`Start it again with: ottla cluster restart ${nodeId} --data-dir ${dataDir}`] : []),
      ];
  }
}

async function watch(screen: Screen, cluster: LocalCluster, bootstrap: readonly string[], signal: AbortSignal): Promise<void> {
  const { Ottla } = await import("@ottla/client");
  await using ottla = new Ottla({ bootstrap, clientId: "ottla-cluster" });
  const surveyor = new Surveyor(
    ottla,
    cluster.nodes.map((node) => node.plan),
  );
  let survey: Survey | null = null;
  while (!signal.aborted) {
    survey = await surveyor.survey();
    if (!signal.aborted) screen.draw(cluster.nodes, survey);
    await Promise.race([aborted(signal), new Promise((resolve) => setTimeout(resolve, surveyIntervalMs))]);
  }
  screen.clear();
}

function welcome({ dataDir, basePort }: Options, bootstrap: string, kafka: readonly string[], startMs: number): string {
  const first = bootstrap.split(",")[0] ?? "";
  const option = first === "127.0.0.1:9093" ? "" : ` -b ${bootstrap}`;
  return [
    `${kafka.length} nodes are ready after ${(startMs / 1000).toFixed(2)} s`,
    `  clients    ${bootstrap}`,
    `  Kafka's    ${kafka.join(",")} (bootstrap.servers)`,
    `  data       ${dataDir} (node-1, node-1.log, …)`,
    ...(basePort === "9092" ? [] : [`  first port ${basePort}`]),
    "",
    "Next, in another terminal:",
    `  npx ottla topic create orders --partitions 6${option}`,
    `  npx ottla cluster status${option}`,
    `  npx ottla cluster kill 2${dataDir === defaultClusterDirectory ? "" : ` --data-dir ${dataDir}`}      (stop and restart too)`,
    "",
    "Ctrl-C stops all nodes; what was acknowledged stays.",
    "",
  ].join("\n");
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
