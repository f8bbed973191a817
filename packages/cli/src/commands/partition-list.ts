import { Command } from "commander";
import { clusterOptions, type Surroundings, withClient } from "../invocation.ts";
import { isAway, moving, troubleOf } from "../output/partition-trouble.ts";
import { show } from "../output/show.ts";

interface Options {
  bootstrap?: string;
  timeout: string;
  json: boolean;
  unhealthy: boolean;
  moving: boolean;
  away: boolean;
}

export function partitionListCommand(surroundings: Surroundings): Command {
  return new Command("list")
    .description("partitions with their leaders and replicas")
    .argument("[topics...]", "default: all")
    .option("--unhealthy", "only those without a leader, below min.insync.replicas or under-replicated", false)
    .option("--moving", "only those whose replicas are being moved", false)
    .option("--away", "only those that another replica than the preferred one leads", false)
    .action(async (names: string[], options: Options) => {
      const cluster = clusterOptions(options, surroundings);
      await withClient(cluster, async (ottla) => {
        const topics = await ottla.admin().describeTopics(names.length === 0 ? undefined : names, { signal: surroundings.signal });
        const rows = topics
          .toSorted((one, other) => (one.name < other.name ? -1 : 1))
          .flatMap(({ name: topic, partitions }) =>
            partitions.map((one) => ({ topic, ...one, trouble: troubleOf(one), away: isAway(one) })),
          )
          .filter((one) => !options.unhealthy || one.trouble !== null)
          .filter((one) => !options.moving || one.adding.length + one.removing.length > 0)
          .filter((one) => !options.away || one.away);
        await show(surroundings.terminal, cluster.json, rows, {
          empty: "No such partitions",
          columns: [
            { title: "TOPIC" },
            { title: "PARTITION", align: "right" },
            { title: "LEADER", align: "right" },
            { title: "EPOCH", align: "right" },
            { title: "REPLICAS" },
            { title: "IN SYNC" },
            { title: "ELIGIBLE" },
            { title: "" },
          ],
          row: (one) => [
            one.topic,
            one.partition,
            one.leader < 0 ? "none" : one.leader,
            one.leaderEpoch,
            one.replicas.join(","),
            one.inSyncReplicas.join(","),
            one.eligibleReplicas.length === 0 ? null : one.eligibleReplicas.join(","),
            [one.trouble ?? "", moving(one)].filter((text) => text !== "").join("; "),
          ],
        });
      });
    });
}
