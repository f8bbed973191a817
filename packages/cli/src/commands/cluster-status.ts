import type { Admin, LogDirDescription } from "@ottla/client";
import { Command } from "commander";
import { clusterOptions, type Surroundings, withClient } from "../invocation.ts";
import { showJson } from "../output/show.ts";
import { type ClusterView, summary } from "./cluster-summary.ts";
import { statusText } from "./cluster-status-text.ts";

/** The status is wanted most when something is down: what does not answer by then is left out. */
const PART_TIMEOUT_MS = 3_000;

export function clusterStatusCommand(surroundings: Surroundings): Command {
  return new Command("status")
    .description("health in one line, then what is wrong, nodes, controllers, disks")
    .option("--exit-code", "exit with 1 unless the cluster is healthy, for scripts", false)
    .action(async (options: { bootstrap?: string; timeout: string; json: boolean; exitCode: boolean }) => {
      const global = clusterOptions(options, surroundings);
      await withClient(global, async (ottla) => {
        const view = await look(ottla.admin(), surroundings.signal);
        const status = summary(view);
        if (global.json)
          await showJson(surroundings.terminal, { ...status, ...view.cluster, quorum: view.quorum, directories: view.directories });
        else await surroundings.terminal.write(statusText(status, view));
        if (options.exitCode && !status.healthy) throw new Error("The cluster is not healthy");
      });
    });
}

async function look(admin: Admin, signal: AbortSignal): Promise<ClusterView> {
  const [cluster, topics] = await Promise.all([admin.describeCluster({ signal }), admin.describeTopics(undefined, { signal })]);
  const within = { signal, timeoutMs: PART_TIMEOUT_MS };
  const orNull = <T>(asked: Promise<T>): Promise<T | null> =>
    asked.catch((error: unknown) => {
      signal.throwIfAborted();
      if (!(error instanceof Error)) throw error;
      return null;
    });
  const live = cluster.nodes.filter(({ broker, fenced }) => broker && !fenced);
  const [quorum, directories] = await Promise.all([
    orNull(admin.describeQuorum(within)),
    Promise.all(live.map(({ nodeId }) => orNull(admin.describeLogDirs({ ...within, nodes: [nodeId] })))),
  ]);
  const answered: LogDirDescription[] = directories.flatMap((one) => one ?? []);
  const silent = live.filter((_, at) => directories[at] === null).map(({ nodeId }) => nodeId);
  return { cluster, topics, quorum, directories: answered, silent };
}
