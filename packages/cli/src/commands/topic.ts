import type { Admin } from "@ottla/client";
import { Command } from "commander";
import { assignments, clusterOptions, collect, type Surroundings, wholeNumber, withClient, withClusterOptions } from "../invocation.ts";
import { show } from "../output/show.ts";
import { WaitingLine } from "../output/waiting-line.ts";
import { alterCommand } from "./topic-alter.ts";
import { describeTopics } from "./topic-describe.ts";

/** Creating takes so long only when something is waited for. */
const sayAfterMs = 1_000;

interface Common {
  bootstrap?: string;
  timeout: string;
  json: boolean;
}

export function topicCommand(surroundings: Surroundings): Command {
  const command = new Command("topic").description("create, list, describe, alter, delete topics");
  for (const make of [createCommand, listCommand, describeCommand, alterCommand, deleteCommand, trimCommand])
    command.addCommand(withClusterOptions(make(surroundings)));
  return command;
}

function createCommand(surroundings: Surroundings): Command {
  return new Command("create")
    .description("create topics")
    .argument("<names...>")
    .option("-p, --partitions <count>", "default: num.partitions of the cluster")
    .option("-r, --replication-factor <count>", "default: as many brokers as there are, at most three")
    .option("-c, --config <name=value>", "a topic setting, may be repeated", collect, [])
    .option("--if-not-exists", "a topic that exists is fine", false)
    .option("--validate-only", "check, create nothing", false)
    .action(
      async (
        names: string[],
        options: Common & {
          partitions?: string;
          replicationFactor?: string;
          config: string[];
          ifNotExists: boolean;
          validateOnly: boolean;
        },
      ) => {
        const cluster = clusterOptions(options, surroundings);
        const configs = Object.fromEntries(assignments("--config", options.config));
        const shape = {
          configs,
          ...(options.partitions === undefined ? {} : { partitions: wholeNumber("--partitions", options.partitions, 1) }),
          ...(options.replicationFactor === undefined
            ? {}
            : { replicationFactor: wholeNumber("--replication-factor", options.replicationFactor, 1) }),
        };
        await withClient(cluster, async (ottla) => {
          const admin = ottla.admin();
          const existing = options.ifNotExists ? new Set(await admin.listTopics()) : new Set<string>();
          const missing = names.filter((name) => !existing.has(name));
          const created =
            missing.length === 0
              ? []
              : await sayingWhy(admin, surroundings, () =>
                  admin.createTopics(
                    missing.map((name) => ({ name, ...shape })),
                    { validateOnly: options.validateOnly, signal: surroundings.signal },
                  ),
                );
          await show(surroundings.terminal, cluster.json, created, {
            empty: "Nothing to create: every topic exists",
            columns: [{ title: "TOPIC" }, { title: "PARTITIONS", align: "right" }, { title: "REPLICAS", align: "right" }, { title: "" }],
            row: (topic) => [
              topic.name,
              topic.partitions,
              topic.replicationFactor,
              options.validateOnly ? "valid, not created" : "created",
            ],
          });
        });
      },
    );
}

/** The controllers wait for brokers that are registered and not live, when a topic needs them. */
async function sayingWhy<T>(admin: Admin, { terminal, signal }: Surroundings, work: () => Promise<T>): Promise<T> {
  using line = new WaitingLine(terminal);
  let done = false;
  const timer = setTimeout(() => {
    admin.describeCluster({ signal }).then(
      ({ nodes }) => {
        const brokers = nodes.filter(({ broker }) => broker);
        const away = brokers.filter(({ fenced, shuttingDown }) => fenced || shuttingDown).map(({ nodeId }) => nodeId);
        if (done || away.length === 0) return;
        line.show(`Waiting for brokers: ${brokers.length - away.length} of ${brokers.length} are live, without ${away.join(", ")}`);
      },
      () => {}, // what the command itself meets is told
    );
  }, sayAfterMs);
  try {
    return await work();
  } finally {
    done = true;
    clearTimeout(timer);
  }
}

function listCommand(surroundings: Surroundings): Command {
  return new Command("list").description("the topics of the cluster").action(async (options: Common) => {
    const cluster = clusterOptions(options, surroundings);
    await withClient(cluster, async (ottla) => {
      const admin = ottla.admin();
      const names = await admin.listTopics({ signal: surroundings.signal });
      const topics = names.length === 0 ? [] : await admin.describeTopics(names.sort(), { signal: surroundings.signal });
      await show(surroundings.terminal, cluster.json, topics, {
        empty: "No topics yet; create one with: ottla topic create NAME",
        columns: [{ title: "TOPIC" }, { title: "PARTITIONS", align: "right" }, { title: "REPLICAS", align: "right" }],
        row: ({ name, partitions }) => [name, partitions.length, partitions[0]?.replicas.length ?? null],
      });
    });
  });
}

function describeCommand(surroundings: Surroundings): Command {
  return new Command("describe")
    .description("partitions, leaders, offsets, sizes and settings of topics")
    .argument("<names...>")
    .action(async (names: string[], options: Common) => {
      const cluster = clusterOptions(options, surroundings);
      await withClient(cluster, (ottla) => describeTopics(ottla, names, cluster.json, surroundings));
    });
}

function deleteCommand(surroundings: Surroundings): Command {
  return new Command("delete")
    .description("delete topics with their records and committed offsets")
    .argument("<names...>")
    .action(async (names: string[], options: Common) => {
      const cluster = clusterOptions(options, surroundings);
      await withClient(cluster, async (ottla) => {
        await ottla.admin().deleteTopics(names, { signal: surroundings.signal });
        await show(
          surroundings.terminal,
          cluster.json,
          names.map((name) => ({ name, deleted: true })),
          {
            empty: "",
            columns: [{ title: "TOPIC" }, { title: "" }],
            row: (topic) => [topic.name, "deleted"],
          },
        );
      });
    });
}

function trimCommand(surroundings: Surroundings): Command {
  return new Command("trim")
    .description("delete the records before an offset")
    .argument("<name>")
    .requiredOption("--partition <number>")
    .requiredOption("--before <offset>", "the first offset to keep, or end")
    .action(async (name: string, options: Common & { partition: string; before: string }) => {
      const cluster = clusterOptions(options, surroundings);
      const partition = wholeNumber("--partition", options.partition, 0);
      const before = options.before === "end" ? ("end" as const) : wholeNumber("--before", options.before, 0);
      await withClient(cluster, async (ottla) => {
        const deleted = await ottla.admin().deleteRecords([{ topic: name, partition, before }], { signal: surroundings.signal });
        await show(surroundings.terminal, cluster.json, deleted, {
          empty: "",
          columns: [{ title: "TOPIC" }, { title: "PARTITION", align: "right" }, { title: "STARTS AT", align: "right" }],
          row: (one) => [one.topic, one.partition, one.logStartOffset],
        });
      });
    });
}
