import { moving, troubleOf } from "../output/partition-trouble.ts";
import { formatBytes } from "../output/size.ts";
import { table } from "../output/table.ts";
import { nodeState } from "./broker.ts";
import type { ClusterView, Summary } from "./cluster-summary.ts";
import { memberTable } from "./controller.ts";

/** Partitions named one by one; the list command names all. */
const NAMED_MAX = 10;

export function statusText(status: Summary, view: ClusterView): string {
  const { cluster, quorum } = view;
  const also = [
    ...(status.reassigning > 0 ? [`${status.reassigning} partitions are being moved`] : []),
    ...(status.draining.length > 0 ? [`draining broker ${status.draining.join(", ")}`] : []),
    ...(status.imbalancePercent > 0 ? [`${status.imbalancePercent} % of leaderships are away from their preferred replica`] : []),
  ];
  return [
    status.healthy ? "Healthy\n" : `Unhealthy: ${status.troubles.join(", ")}\n`,
    ...(also.length > 0 ? [`Under way: ${also.join(", ")}\n`] : []),
    `Cluster ${cluster.clusterId}, ${status.topics} topics, ${status.partitions} partitions, metadata index ${cluster.metadataIndex}\n\n`,
    nodeTable(view),
    "\n",
    quorum === null
      ? "Controllers: none answers; the brokers go on with what was decided last\n"
      : `Controller ${quorum.leaderId} leads term ${quorum.term}\n${memberTable(quorum.members, quorum)}`,
    troubled(view),
  ].join("");
}

function nodeTable({ cluster, topics, directories, silent }: ClusterView): string {
  const partitions = topics.flatMap((topic) => topic.partitions);
  return table(
    [
      { title: "NODE", align: "right" },
      { title: "ADDRESS" },
      { title: "ROLES" },
      { title: "STATE" },
      { title: "LEADS", align: "right" },
      { title: "REPLICAS", align: "right" },
      { title: "RACK" },
      { title: "VERSION" },
      { title: "RECORDS ON DISK", align: "right" },
      { title: "DISK FREE", align: "right" },
    ],
    cluster.nodes.map((node) => {
      const directory = directories.find(({ nodeId }) => nodeId === node.nodeId);
      const roles = [...(node.voter ? ["controller"] : []), ...(node.broker ? ["broker"] : [])].join(",");
      return [
        node.nodeId,
        node.broker ? `${node.host}:${node.port}` : null,
        roles,
        node.broker ? (silent.includes(node.nodeId) ? `${nodeState(node)}, not answering` : nodeState(node)) : null,
        node.broker ? partitions.filter(({ leader }) => leader === node.nodeId).length : null,
        node.broker ? partitions.filter(({ replicas }) => replicas.includes(node.nodeId)).length : null,
        node.rack === "" ? null : node.rack,
        node.version === "" ? null : node.version,
        directory ? formatBytes(directory.partitions.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)) : null,
        directory ? formatBytes(directory.freeBytes) : null,
      ];
    }),
  );
}

function troubled({ topics }: ClusterView): string {
  const order = ["offline", "below-min-isr", "under-replicated"];
  const rows = topics
    .flatMap(({ name, partitions }) => partitions.map((one) => ({ name, one, trouble: troubleOf(one) })))
    .filter(({ one, trouble }) => trouble !== null || one.adding.length + one.removing.length > 0)
    .toSorted((a, b) => rank(a.trouble) - rank(b.trouble));
  if (rows.length === 0) return "";
  const shown = rows
    .slice(0, NAMED_MAX)
    .map(({ name, one, trouble }) => [
      `${name}-${one.partition}`,
      one.leader < 0 ? "none" : one.leader,
      one.replicas.join(","),
      one.inSyncReplicas.join(","),
      [trouble ?? "", moving(one)].filter((text) => text !== "").join("; "),
    ]);
  const more = rows.length > NAMED_MAX ? `and ${rows.length - NAMED_MAX} more: ottla partition list --unhealthy (or --moving)\n` : "";
  const columns = [{ title: "PARTITION" }, { title: "LEADER" }, { title: "REPLICAS" }, { title: "IN SYNC" }, { title: "" }];
  return `\n${table(columns, shown)}${more}`;

  function rank(trouble: string | null): number {
    return trouble === null ? order.length : order.indexOf(trouble);
  }
}
