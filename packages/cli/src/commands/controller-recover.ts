import { join, resolve } from "node:path";
import { type Disk, nodeHost } from "@ottla/host";
import { formatAddress, loadNodeConfig, type NodeConfig } from "@ottla/protocol";
import { Command } from "commander";
import type { Surroundings } from "../invocation.ts";
import { createLogger } from "../log-lines.ts";
import { showJson } from "../output/show.ts";
import { lockDataDirectory } from "../recover/data-directory.ts";
import { settingFlags } from "../setting-flags.ts";

interface Options {
  readonly dataDir?: string;
  readonly acceptLoss: boolean;
  readonly json: boolean;
}

export function controllerRecoverCommand(surroundings: Surroundings): Command {
  return new Command("recover")
    .description(
      "make the controller of a stopped node the only voter, with what its checkpoints and log still give: when the majority is lost for good",
    )
    .argument(
      "[settings...]",
      "the settings with which the node is started: --node-id, --controller-quorum-voters, --node-advertised-listeners",
    )
    .option("--data-dir <path>", "default: data.dir")
    .option("--accept-loss", "go on although entries are gone, or other controllers may know more", false)
    .option("--json", "print JSON, for programs", false)
    .allowUnknownOption()
    .action((settings: string[], options: Options) => recover(settings, options, surroundings));
}

async function recover(settings: readonly string[], options: Options, { terminal, env }: Surroundings): Promise<void> {
  const { OTTLA_BOOTSTRAP: _, ...nodeEnv } = env;
  const given = { ...settingFlags(settings), ...(options.dataDir === undefined ? {} : { "data.dir": options.dataDir }) };
  const first = loadNodeConfig({ env: nodeEnv, flags: given });
  const dataDir = resolve(first.config.dataDir);
  const host = nodeHost();
  const lock = await lockDataDirectory(host.disk, dataDir);
  try {
    const nodeId = await nodeIdOf(host.disk, dataDir);
    const { config } = loadNodeConfig({ env: nodeEnv, flags: { ...given, "node.id": String(nodeId) } });
    const address = addressOf(config);
    const { recoverController } = await import("@ottla/controller");
    const found = await recoverController({
      host,
      nodeId,
      directory: join(dataDir, "controller"),
      address,
      acceptLoss: options.acceptLoss,
      logger: createLogger(config, terminal),
    });
    if (options.json) return await showJson(terminal, { nodeId, address: formatAddress(address), ...found });
    const others = found.formerVoters.filter((voter) => voter !== nodeId);
    const lines = [
      `Node ${nodeId} is the only controller of cluster ${found.clusterId} now, with entries up to ${found.keptIndex} of ${found.lastIndex}; others reach it at ${formatAddress(address)}`,
      `The former directory is kept in ${found.aside}`,
      ...(others.length === 0
        ? []
        : [
            `Before nodes ${others.join(", ")} start again, remove their controller directories (<data.dir>/controller), and nothing else: their records stay`,
            `Then start this node, start them, and let them vote: ottla controller add ${others.join(", ottla controller add ")}`,
          ]),
    ];
    await terminal.write(`${lines.join("\n")}\n`);
  } finally {
    await lock.release();
  }
}

async function nodeIdOf(disk: Disk, dataDir: string): Promise<number> {
  const { readMetaProperties } = await import("@ottla/node");
  const found = await readMetaProperties(disk, dataDir);
  if (!found) throw new Error(`Cannot tell whose data directory this is: ${dataDir} has no meta.properties`);
  return found.meta.nodeId;
}

/** The door for nodes, as other nodes reach it. */
function addressOf(config: NodeConfig): { host: string; port: number } {
  const own = config.controllerQuorumVoters.find((voter) => voter.nodeId === config.nodeId);
  const address = config.nodeAdvertisedListeners[0] ?? own?.address ?? config.nodeListeners[0];
  if (!address || address.port === 0)
    throw new Error(
      `Cannot tell under which address other nodes reach node ${config.nodeId}; give the settings with which it is started, such as --controller-quorum-voters ${config.nodeId}@host:9095`,
    );
  return address;
}
