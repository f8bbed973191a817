import { setTimeout as sleep } from "node:timers/promises";
import type { Admin, TopicPartition } from "@ottla/client";
import { Command } from "commander";
import { UsageError } from "../exit-codes.ts";
import { clusterOptions, type Surroundings, wholeNumber, withClient, withClusterOptions } from "../invocation.ts";
import { moving } from "../output/partition-trouble.ts";
import { show } from "../output/show.ts";
import { WaitingLine } from "../output/waiting-line.ts";
import { bytesPerSecond } from "../records/rate.ts";
import { partitionListCommand } from "./partition-list.ts";

const ASK_EVERY_MS = 500;

interface Common {
  bootstrap?: string;
  timeout: string;
  json: boolean;
}

export function partitionCommand(surroundings: Surroundings): Command {
  const command = new Command("partition").description("who holds and who leads single partitions");
  for (const make of [partitionListCommand, reassignCommand, electCommand]) command.addCommand(withClusterOptions(make(surroundings)));
  return command;
}

function reassignCommand(surroundings: Surroundings): Command {
  return new Command("reassign")
    .description("move a partition to other brokers, while everything goes on")
    .argument("<topic>")
    .argument("<partition>")
    .option("--to <ids>", "the brokers that shall hold it, the preferred leader first, such as 3,1,2")
    .option("--rate <bytes>", "bytes a second that the leader sends to each new replica, such as 20MiB; default: no limit")
    .option("--wait", "until the new replicas are in sync and the former ones gone", false)
    .option("--cancel", "go back to the replicas before", false)
    .action(async (topic: string, text: string, options: Common & { to?: string; rate?: string; wait: boolean; cancel: boolean }) => {
      const cluster = clusterOptions(options, surroundings);
      const partition = wholeNumber("PARTITION", text, 0);
      if (options.cancel === (options.to !== undefined))
        throw new UsageError("Where to? Give either --to 1,2,3 (broker ids, the preferred leader first) or --cancel");
      const replicas = options.to?.split(",").map((id) => wholeNumber("--to", id.trim(), 0));
      const { signal, terminal } = surroundings;
      await withClient(cluster, async (ottla) => {
        const admin = ottla.admin();
        if (replicas === undefined) await admin.cancelReassignments([{ topic, partition }], { signal });
        else {
          const rate = options.rate === undefined ? {} : { rate: bytesPerSecond("--rate", options.rate) };
          await admin.reassignPartitions([{ topic, partition, replicas }], { signal, ...rate });
        }
        if (options.wait) await moved(admin, { topic, partition }, surroundings);
        const [described] = await admin.describeTopics([topic], { signal });
        const now = (described?.partitions ?? []).filter((each) => each.partition === partition);
        await show(terminal, cluster.json, now, {
          empty: "",
          columns: [{ title: "TOPIC" }, { title: "PARTITION", align: "right" }, { title: "REPLICAS" }, { title: "IN SYNC" }, { title: "" }],
          row: (one) => [topic, one.partition, one.replicas.join(","), one.inSyncReplicas.join(","), moving(one)],
        });
      });
    });
}

function electCommand(surroundings: Surroundings): Command {
  return new Command("elect-leader")
    .description("let the preferred replica lead, or with --unclean whoever is left")
    .argument("[topic]")
    .argument("[partition]")
    .option("--all", "every partition whose preferred replica does not lead", false)
    .option("--unclean", "elect a replica that is not in sync where no other can lead: acknowledged records may be lost", false)
    .action(async (topic: string | undefined, text: string | undefined, options: Common & { all: boolean; unclean: boolean }) => {
      const cluster = clusterOptions(options, surroundings);
      if (options.all === (topic !== undefined)) throw new UsageError("Of which partition? Give either TOPIC PARTITION or --all");
      if (options.unclean && text === undefined)
        throw new UsageError("--unclean may lose records, so it takes one partition at a time: give TOPIC PARTITION");
      const { signal, terminal } = surroundings;
      await withClient(cluster, async (ottla) => {
        const admin = ottla.admin();
        const wanted = topic === undefined ? [] : await partitionsOf(admin, topic, text, signal);
        const elected = await admin.electLeaders(wanted, { unclean: options.unclean, signal });
        await show(terminal, cluster.json, elected, {
          empty: "Every partition has its preferred leader",
          columns: [{ title: "TOPIC" }, { title: "PARTITION", align: "right" }, { title: "" }],
          row: (one) => [one.topic, one.partition, one.changed ? "elected" : "has the leader asked for"],
        });
      });
    });
}

async function partitionsOf(admin: Admin, topic: string, text: string | undefined, signal: AbortSignal): Promise<TopicPartition[]> {
  if (text !== undefined) return [{ topic, partition: wholeNumber("PARTITION", text, 0) }];
  const [described] = await admin.describeTopics([topic], { signal });
  return (described?.partitions ?? []).map(({ partition }) => ({ topic, partition }));
}

async function moved(admin: Admin, { topic, partition }: TopicPartition, { terminal, signal }: Surroundings): Promise<void> {
  using line = new WaitingLine(terminal);
  for (;;) {
    const [under] = (await admin.listReassignments({ signal })).filter((each) => each.topic === topic && each.partition === partition);
    if (under === undefined) return;
    const stuck = under.waitingFor.length > 0 ? `; not live: ${under.waitingFor.join(",")}` : "";
    line.show(`Moving ${topic}-${partition}: waiting for ${under.adding.join(",") || "the former replicas to go"}${stuck}`);
    await sleep(ASK_EVERY_MS, undefined, { signal });
  }
}
