import type { ClusterDescription, LogDirDescription, TopicDescription } from "@ottla/client";
import { Command } from "commander";
import { clusterOptions, type Surroundings, withClient, withClusterOptions } from "../invocation.ts";
import { showJson } from "../output/show.ts";
import { formatBytes } from "../output/size.ts";
import { table } from "../output/table.ts";

export function clusterCommand(surroundings: Surroundings): Command {
  const status = withClusterOptions(new Command("status"))
    .description("health in one line, then nodes, controller, disks")
    .action(async (options: { bootstrap?: string; timeout: string; json: boolean }) => {
      const global = clusterOptions(options, surroundings);
      await withClient(global, async (ottla) => {
        const admin = ottla.admin();
        const call = { signal: surroundings.signal };
        const [cluster, names, directories] = await Promise.all([
          admin.describeCluster(call),
          admin.listTopics(call),
          admin.describeLogDirs(call),
        ]);
        const topics = names.length === 0 ? [] : await admin.describeTopics(names, call);
        const status = summary(cluster, topics, directories);
        if (global.json) return showJson(surroundings.terminal, { ...status, ...cluster, directories });
        await surroundings.terminal.write(text(status, cluster, directories));
      });
    });
  return new Command("cluster").description("the cluster as a whole").addCommand(status);
}

interface Status {
  readonly healthy: boolean;
  readonly topics: number;
  readonly partitions: number;
  readonly offline: number;
  readonly underReplicated: number;
  readonly damaged: number;
  readonly fenced: number;
}

function summary(cluster: ClusterDescription, topics: readonly TopicDescription[], directories: readonly LogDirDescription[]): Status {
  const partitions = topics.flatMap((topic) => topic.partitions);
  const offline = partitions.filter(({ leader }) => leader < 0).length;
  const underReplicated = partitions.filter(({ replicas, inSyncReplicas }) => inSyncReplicas.length < replicas.length).length;
  const damaged = directories.flatMap((directory) => directory.partitions).filter((one) => one.damaged.length > 0).length;
  const fenced = cluster.nodes.filter((node) => node.broker && node.fenced).length;
  const healthy = offline + underReplicated + damaged + fenced === 0 && cluster.controllerId >= 0;
  return { healthy, topics: topics.length, partitions: partitions.length, offline, underReplicated, damaged, fenced };
}

function text(status: Status, cluster: ClusterDescription, directories: readonly LogDirDescription[]): string {
  const { topics, partitions, offline, underReplicated, damaged, fenced } = status;
  const troubles = [
    ...(cluster.controllerId < 0 ? ["no controller leads"] : []),
    ...(offline > 0 ? [`${offline} partitions have no leader`] : []),
    ...(underReplicated > 0 ? [`${underReplicated} partitions are under-replicated`] : []),
    ...(damaged > 0 ? [`${damaged} partitions have damaged records (see topic describe)`] : []),
    ...(fenced > 0 ? [`${fenced} brokers are fenced`] : []),
  ];
  const nodes = table(
    [
      { title: "NODE", align: "right" },
      { title: "ADDRESS" },
      { title: "ROLES" },
      { title: "STATE" },
      { title: "RACK" },
      { title: "VERSION" },
      { title: "RECORDS ON DISK", align: "right" },
      { title: "DISK FREE", align: "right" },
    ],
    cluster.nodes.map((node) => {
      const directory = directories.find(({ nodeId }) => nodeId === node.nodeId);
      const roles = [...(node.voter ? ["controller"] : []), ...(node.broker ? ["broker"] : [])].join(",");
      const used = directory ? formatBytes(directory.partitions.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)) : null;
      return [
        node.nodeId,
        `${node.host}:${node.port}`,
        roles,
        node.fenced ? "fenced" : "live",
        node.rack === "" ? null : node.rack,
        node.version,
        used,
        directory ? formatBytes(directory.freeBytes) : null,
      ];
    }),
  );
  return [
    troubles.length === 0 ? "Healthy\n" : `Unhealthy: ${troubles.join(", ")}\n`,
    `Cluster ${cluster.clusterId}, ${topics} topics, ${partitions} partitions; controller ${cluster.controllerId} leads term ${cluster.controllerTerm}, metadata index ${cluster.metadataIndex}\n`,
    nodes,
  ].join("");
}
