import type { Admin, DrainProgress } from "@ottla/client";
import { Command } from "commander";
import { UsageError } from "../exit-codes.ts";
import { clusterOptions, type Surroundings, wholeNumber, withClient, withClusterOptions } from "../invocation.ts";
import { show, showJson } from "../output/show.ts";
import { WaitingLine } from "../output/waiting-line.ts";
import { bytesPerSecond } from "../records/rate.ts";

interface Common {
  bootstrap?: string;
  timeout: string;
  json: boolean;
}

export function brokerCommand(surroundings: Surroundings): Command {
  const command = new Command("broker").description("list, drain, remove brokers");
  for (const make of [listCommand, drainCommand, removeCommand]) command.addCommand(withClusterOptions(make(surroundings)));
  return command;
}

function listCommand(surroundings: Surroundings): Command {
  return new Command("list").description("the brokers, what they hold and lead").action(async (options: Common) => {
    const cluster = clusterOptions(options, surroundings);
    await withClient(cluster, async (ottla) => {
      const admin = ottla.admin();
      const call = { signal: surroundings.signal };
      const [{ nodes }, topics] = await Promise.all([admin.describeCluster(call), admin.describeTopics(undefined, call)]);
      const partitions = topics.flatMap((topic) => topic.partitions);
      const brokers = nodes
        .filter(({ broker }) => broker)
        .map((node) => ({
          ...node,
          replicas: partitions.filter(({ replicas }) => replicas.includes(node.nodeId)).length,
          leads: partitions.filter(({ leader }) => leader === node.nodeId).length,
        }));
      await show(surroundings.terminal, cluster.json, brokers, {
        empty: "No broker has registered",
        columns: [
          { title: "BROKER", align: "right" },
          { title: "ADDRESS" },
          { title: "STATE" },
          { title: "RACK" },
          { title: "REPLICAS", align: "right" },
          { title: "LEADS", align: "right" },
          { title: "VERSION" },
        ],
        row: (node) => [
          node.nodeId,
          `${node.host}:${node.port}`,
          nodeState(node),
          node.rack === "" ? null : node.rack,
          node.replicas,
          node.leads,
          node.version,
        ],
      });
    });
  });
}

function drainCommand(surroundings: Surroundings): Command {
  return new Command("drain")
    .description("move every replica off a broker, live or dead; asked again it tells how far it is")
    .argument("<id>", "the broker's node.id")
    .option("--rate <bytes>", "bytes a second that each leader sends to each new replica, such as 20MiB; default: no limit")
    .option("--wait", "until nothing is left", false)
    .option("--cancel", "let the broker take replicas again; what has moved stays where it is", false)
    .addHelpText(
      "after",
      "\nThe drain goes on without this command, also through a change of the controller. When nothing is left:\n  stop the node, then: ottla broker remove ID",
    )
    .action(async (id: string, options: Common & { rate?: string; wait: boolean; cancel: boolean }) => {
      const cluster = clusterOptions(options, surroundings);
      const nodeId = wholeNumber("ID", id, 0);
      if (options.cancel && (options.wait || options.rate !== undefined))
        throw new UsageError("--cancel ends a drain: it goes together with neither --wait nor --rate");
      const request = {
        signal: surroundings.signal,
        ...(options.rate === undefined ? {} : { rate: bytesPerSecond("--rate", options.rate) }),
      };
      await withClient(cluster, async (ottla) => {
        const admin = ottla.admin();
        const progress = options.cancel
          ? await admin.cancelDrain(nodeId, { signal: surroundings.signal })
          : options.wait
            ? await drained(admin, nodeId, request, surroundings)
            : await admin.drainBroker(nodeId, request);
        if (cluster.json) await showJson(surroundings.terminal, { nodeId, cancelled: options.cancel, ...progress });
        else await surroundings.terminal.write(words(nodeId, options.cancel, progress));
        if (!options.cancel && options.wait && progress.replicasLeft > 0)
          throw new Error(`Broker ${nodeId} keeps ${progress.replicasLeft} replicas that no other broker can take: start or add a broker`);
      });
    });
}

function removeCommand(surroundings: Surroundings): Command {
  return new Command("remove")
    .description("forget a broker that is stopped and holds no replica")
    .argument("<id>", "the broker's node.id")
    .action(async (id: string, options: Common) => {
      const cluster = clusterOptions(options, surroundings);
      const nodeId = wholeNumber("ID", id, 0);
      await withClient(cluster, async (ottla) => {
        await ottla.admin().removeBroker(nodeId, { signal: surroundings.signal });
        await show(surroundings.terminal, cluster.json, [{ nodeId, removed: true }], {
          empty: "",
          columns: [{ title: "BROKER", align: "right" }, { title: "" }],
          row: (one) => [one.nodeId, "removed"],
        });
      });
    });
}

async function drained(
  admin: Admin,
  nodeId: number,
  request: { signal: AbortSignal; rate?: number },
  { terminal }: Surroundings,
): Promise<DrainProgress> {
  using line = new WaitingLine(terminal);
  let last: DrainProgress = { replicasLeft: 0, stuck: [] };
  for await (const progress of admin.drainingBroker(nodeId, request)) {
    last = progress;
    const [stuck] = progress.stuck;
    const why = stuck ? `; ${progress.stuck.length} cannot go on: ${stuck.message}` : "";
    if (progress.replicasLeft > 0) line.show(`Draining broker ${nodeId}: ${progress.replicasLeft} replicas left${why}`);
  }
  return last;
}

function words(nodeId: number, cancelled: boolean, { replicasLeft, stuck }: DrainProgress): string {
  if (cancelled) return `Broker ${nodeId} takes replicas again and holds ${replicasLeft}\n`;
  if (replicasLeft === 0)
    return `Broker ${nodeId} holds no replicas: it is safe to stop it for good. Then: ottla broker remove ${nodeId}\n`;
  const lines = stuck.map(({ item, message }) => `  ${item}: ${message}\n`);
  const asked = `Broker ${nodeId} is being drained: ${replicasLeft} replicas left (ask again, or follow it with --wait)\n`;
  return lines.length === 0 ? asked : `${asked}${lines.length} of them cannot go on:\n${lines.join("")}`;
}

export function nodeState(node: { fenced: boolean; draining: boolean; shuttingDown: boolean }): string {
  const state = node.fenced ? "fenced" : node.shuttingDown ? "stopping" : "live";
  return node.draining ? `${state}, draining` : state;
}
