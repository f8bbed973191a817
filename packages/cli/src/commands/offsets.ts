import type { Ottla, SeekTarget } from "@ottla/client";
import { Command } from "commander";
import { UsageError } from "../exit-codes.ts";
import { clusterOptions, collect, type Surroundings, wholeNumber, withClient, withClusterOptions } from "../invocation.ts";
import { show } from "../output/show.ts";
import { parsePosition } from "../records/position.ts";

interface Common {
  bootstrap?: string;
  timeout: string;
  json: boolean;
}

export function offsetsCommand(surroundings: Surroundings): Command {
  const command = new Command("offsets").description("offsets of topics, and the offsets that groups have committed");
  for (const make of [topicCommand, groupsCommand, groupCommand, resetCommand, deleteCommand])
    command.addCommand(withClusterOptions(make(surroundings)));
  return command;
}

function topicCommand(surroundings: Surroundings): Command {
  return new Command("topic")
    .description("the first and the next offset of each partition, or the offsets at a time")
    .argument("<name>")
    .option("--at <time>", "a date or @milliseconds: the first record at or after it")
    .action(async (name: string, options: Common & { at?: string }) => {
      const cluster = clusterOptions(options, surroundings);
      const at = options.at === undefined ? undefined : parsePosition("--at", options.at);
      if (at && at.kind !== "time") throw new UsageError(`--at is "${options.at}"; it takes a date (2001-03-01) or @milliseconds`);
      await withClient(cluster, async (ottla) => {
        const admin = ottla.admin();
        const [topic] = await admin.describeTopics([name], { signal: surroundings.signal });
        const partitions = (topic?.partitions ?? []).map(({ partition }) => ({ topic: name, partition }));
        const list = (which: "earliest" | "latest" | number): ReturnType<typeof admin.listOffsets> =>
          admin.listOffsets(
            partitions.map((one) => ({ ...one, at: which })),
            { signal: surroundings.signal },
          );
        if (at) {
          await show(surroundings.terminal, cluster.json, await list(at.timestamp), {
            empty: "",
            columns: [{ title: "PARTITION", align: "right" }, { title: "OFFSET", align: "right" }, { title: "TIMESTAMP" }],
            row: ({ partition, offset, timestamp }) => [
              partition,
              offset < 0 ? null : offset,
              timestamp < 0 ? null : new Date(timestamp).toISOString(),
            ],
          });
          return;
        }
        const [starts, ends] = await Promise.all([list("earliest"), list("latest")]);
        const rows = starts.map(({ partition, offset }, index) => ({
          topic: name,
          partition,
          start: offset,
          end: ends[index]?.offset ?? offset,
        }));
        await show(surroundings.terminal, cluster.json, rows, {
          empty: "",
          columns: [
            { title: "PARTITION", align: "right" },
            { title: "START", align: "right" },
            { title: "END", align: "right" },
            { title: "RECORDS", align: "right" },
          ],
          row: ({ partition, start, end }) => [partition, start, end, end - start],
        });
      });
    });
}

function groupsCommand(surroundings: Surroundings): Command {
  return new Command("groups").description("the groups that have committed offsets").action(async (options: Common) => {
    const cluster = clusterOptions(options, surroundings);
    await withClient(cluster, async (ottla) => {
      await show(surroundings.terminal, cluster.json, await ottla.admin().listGroups({ signal: surroundings.signal }), {
        empty: "No group has committed offsets",
        columns: [{ title: "GROUP" }, { title: "PARTITIONS", align: "right" }, { title: "LAST COMMIT" }],
        row: ({ group, partitions, lastCommitMs }) => [group, partitions, new Date(lastCommitMs).toISOString()],
      });
    });
  });
}

function groupCommand(surroundings: Surroundings): Command {
  return new Command("group")
    .description("where a group is, and how far behind")
    .argument("<group>")
    .action(async (group: string, options: Common) => {
      const cluster = clusterOptions(options, surroundings);
      await withClient(cluster, (ottla) => showGroup(ottla, group, cluster.json, surroundings));
    });
}

function resetCommand(surroundings: Surroundings): Command {
  return new Command("reset")
    .description("move a group; its readers must be stopped, they would commit over it")
    .argument("<group>")
    .requiredOption("--topic <name>", "may be repeated", collect, [])
    .option("--partition <number>", "only this one")
    .requiredOption("--to <position>", "beginning, end, an offset, a date, @milliseconds")
    .action(async (group: string, options: Common & { topic: string[]; partition?: string; to: string }) => {
      const cluster = clusterOptions(options, surroundings);
      const partition = options.partition === undefined ? undefined : wholeNumber("--partition", options.partition, 0);
      const target = seekTarget(options.to);
      await withClient(cluster, async (ottla) => {
        const which = options.topic.map((topic) => (partition === undefined ? topic : { topic, partition }));
        await ottla.admin().resetGroupOffsets(group, which, target, { signal: surroundings.signal });
        await showGroup(ottla, group, cluster.json, surroundings);
      });
    });
}

function deleteCommand(surroundings: Surroundings): Command {
  return new Command("delete")
    .description("forget a group, or what it committed for a topic")
    .argument("<group>")
    .option("--topic <name>", "only this topic")
    .action(async (group: string, options: Common & { topic?: string }) => {
      const cluster = clusterOptions(options, surroundings);
      await withClient(cluster, async (ottla) => {
        const admin = ottla.admin();
        if (options.topic === undefined) await admin.deleteGroups([group], { signal: surroundings.signal });
        else {
          const committed = (await admin.fetchGroupOffsets(group, undefined, { signal: surroundings.signal })).filter(
            ({ topic }) => topic === options.topic,
          );
          if (committed.length === 0) throw new Error(`Group ${group} has committed nothing for topic ${options.topic}`);
          await admin.deleteGroupOffsets(group, committed, { signal: surroundings.signal });
        }
        await show(surroundings.terminal, cluster.json, [{ group, topic: options.topic ?? null, deleted: true }], {
          empty: "",
          columns: [{ title: "GROUP" }, { title: "TOPIC" }, { title: "" }],
          row: (one) => [one.group, one.topic ?? "all", "forgotten"],
        });
      });
    });
}

async function showGroup(ottla: Ottla, group: string, json: boolean, { terminal, signal }: Surroundings): Promise<void> {
  const admin = ottla.admin();
  const committed = (await admin.fetchGroupOffsets(group, undefined, { signal })).toSorted((a, b) =>
    a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
  );
  const ends =
    committed.length === 0
      ? []
      : await admin.listOffsets(
          committed.map(({ topic, partition }) => ({ topic, partition, at: "latest" as const })),
          { signal },
        );
  const rows = committed.map((one, at) => ({
    ...one,
    end: ends[at]?.offset ?? one.offset,
    lag: Math.max(0, (ends[at]?.offset ?? one.offset) - one.offset),
  }));
  await show(terminal, json, rows, {
    empty: `Group ${group} has committed nothing`,
    columns: [
      { title: "TOPIC" },
      { title: "PARTITION", align: "right" },
      { title: "COMMITTED", align: "right" },
      { title: "END", align: "right" },
      { title: "LAG", align: "right" },
      { title: "AT" },
    ],
    row: ({ topic, partition, offset, end, lag, commitTimeMs }) => [
      topic,
      partition,
      offset,
      end,
      lag,
      new Date(commitTimeMs).toISOString(),
    ],
  });
}

function seekTarget(text: string): SeekTarget {
  const position = parsePosition("--to", text);
  switch (position.kind) {
    case "beginning":
    case "end":
      return position.kind;
    case "offset":
      return { offset: position.offset };
    case "time":
      return { timestamp: position.timestamp };
    case "last":
      throw new UsageError(`--to is "${text}"; it takes beginning, end, an offset, a date or @milliseconds`);
  }
}
