import type { Admin, LogDirDescription, LogDirPartition, Ottla } from "@ottla/client";
import type { Surroundings } from "../invocation.ts";
import { moving, troubleOf } from "../output/partition-trouble.ts";
import { showJson } from "../output/show.ts";
import { formatBytes, formatCount } from "../output/size.ts";
import { table } from "../output/table.ts";

const LOG_DIRS_TIMEOUT_MS = 3_000;

/** Partitions with leaders, offsets and sizes, and the settings that differ from the defaults. */
export async function describeTopics(
  ottla: Ottla,
  names: readonly string[],
  json: boolean,
  { terminal, signal }: Surroundings,
): Promise<void> {
  const admin = ottla.admin();
  const [topics, configs, directories] = await Promise.all([
    admin.describeTopics(names, { signal }),
    admin.describeConfigs(
      names.map((topic) => ({ topic })),
      { signal },
    ),
    logDirs(admin, signal),
  ]);
  const described = topics.map((topic, at) => ({
    ...topic,
    partitions: topic.partitions.map((partition) => ({ ...partition, ...leaderLog(topic.name, partition.partition, partition.leader) })),
    configs: (configs[at]?.configs ?? [])
      .filter(({ source }) => source === "topic")
      .map(({ name, value, withoutEffect }) => ({ name, value, withoutEffect })),
  }));
  if (json) return showJson(terminal, described);
  for (const topic of described) {
    await terminal.write(`${topic.name}  (id ${topic.id})\n`);
    for (const { name, value, withoutEffect } of topic.configs)
      await terminal.write(`  ${name}=${value}${withoutEffect ? "  (stored, without effect here)" : ""}\n`);
    await terminal.write(
      table(
        [
          { title: "PARTITION", align: "right" },
          { title: "LEADER", align: "right" },
          { title: "EPOCH", align: "right" },
          { title: "REPLICAS" },
          { title: "IN SYNC" },
          { title: "ELIGIBLE" },
          { title: "START", align: "right" },
          { title: "END", align: "right" },
          { title: "SIZE", align: "right" },
          { title: "" },
        ],
        topic.partitions.map((one) => [
          one.partition,
          one.leader < 0 ? "none" : one.leader,
          one.leaderEpoch,
          one.replicas.join(","),
          one.inSyncReplicas.join(","),
          one.eligibleReplicas.length === 0 ? null : one.eligibleReplicas.join(","),
          one.start,
          one.end,
          one.size === null ? null : formatBytes(one.size),
          [troubleOf(one) ?? "", moving(one), ...one.damaged.map(({ from, until }) => `offsets ${from} to ${until - 1} are damaged`)]
            .filter((text) => text !== "")
            .join("; "),
        ]),
      ),
    );
    const records = topic.partitions.reduce((sum, { start, end }) => sum + (start === null || end === null ? 0 : end - start), 0);
    await terminal.write(`${formatCount(records)} records\n`);
  }

  function leaderLog(
    topic: string,
    partition: number,
    leader: number,
  ): { start: number | null; end: number | null; size: number | null; damaged: LogDirPartition["damaged"] } {
    const found: LogDirPartition | undefined = directories
      .find(({ nodeId }) => nodeId === leader)
      ?.partitions.find((one) => one.topic === topic && one.partition === partition);
    if (!found) return { start: null, end: null, size: null, damaged: [] };
    return { start: found.logStartOffset, end: found.highWatermark, size: found.sizeBytes, damaged: found.damaged };
  }
}

/** Of the brokers that answer soon: a topic is described most often when one does not. */
async function logDirs(admin: Admin, signal: AbortSignal): Promise<LogDirDescription[]> {
  const { nodes } = await admin.describeCluster({ signal });
  const asked = nodes
    .filter(({ broker, fenced }) => broker && !fenced)
    .map(async ({ nodeId }) => {
      try {
        return await admin.describeLogDirs({ nodes: [nodeId], signal, timeoutMs: LOG_DIRS_TIMEOUT_MS });
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Error && "retriable" in error)) throw error;
        return [];
      }
    });
  return (await Promise.all(asked)).flat();
}
