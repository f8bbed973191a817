import { Command } from "commander";
import { UsageError } from "../exit-codes.ts";
import { assignments, clusterOptions, collect, type Surroundings, wholeNumber, withClient } from "../invocation.ts";
import { bytesPerSecond } from "../records/rate.ts";
import { describeTopics } from "./topic-describe.ts";

interface Common {
  bootstrap?: string;
  timeout: string;
  json: boolean;
}

export function alterCommand(surroundings: Surroundings): Command {
  return new Command("alter")
    .description("add partitions, change the replication factor or settings")
    .argument("<name>")
    .option("-p, --partitions <total>", "how many there shall be in all")
    .option(
      "-r, --replication-factor <count>",
      "how many replicas each partition shall have; they are made, or given up, while everything goes on",
    )
    .option("--rate <bytes>", "with --replication-factor: bytes a second that a leader sends to each new replica, such as 20MiB")
    .option("-s, --set <name=value>", "set, may be repeated", collect, [])
    .option("-d, --delete <name>", "back to the default, may be repeated", collect, [])
    .option("--append <name=value>", "add to a list setting", collect, [])
    .option("--subtract <name=value>", "take from a list setting", collect, [])
    .option("--validate-only", "check, change nothing", false)
    .action(
      async (
        name: string,
        options: Common & {
          partitions?: string;
          replicationFactor?: string;
          rate?: string;
          set: string[];
          delete: string[];
          append: string[];
          subtract: string[];
          validateOnly: boolean;
        },
      ) => {
        const cluster = clusterOptions(options, surroundings);
        const request = { validateOnly: options.validateOnly, signal: surroundings.signal };
        const changes = {
          resource: { topic: name },
          set: {
            ...Object.fromEntries(options.delete.map((key) => [key, null])),
            ...Object.fromEntries(assignments("--set", options.set)),
          },
          append: Object.fromEntries(assignments("--append", options.append)),
          subtract: Object.fromEntries(assignments("--subtract", options.subtract)),
        };
        const changesSettings = [changes.set, changes.append, changes.subtract].some((part) => Object.keys(part).length > 0);
        if (options.partitions === undefined && options.replicationFactor === undefined && !changesSettings)
          throw new UsageError(
            `Nothing to alter in ${name}; give --partitions, --replication-factor, --set, --delete, --append or --subtract`,
          );
        const factor =
          options.replicationFactor === undefined ? null : wholeNumber("--replication-factor", options.replicationFactor, 1, 1000);
        if (factor === null && options.rate !== undefined) throw new UsageError("--rate goes together with --replication-factor");
        const rate = options.rate === undefined ? {} : { rate: bytesPerSecond("--rate", options.rate) };
        await withClient(cluster, async (ottla) => {
          const admin = ottla.admin();
          if (options.partitions !== undefined)
            await admin.createPartitions(name, wholeNumber("--partitions", options.partitions, 1), request);
          if (changesSettings) await admin.alterConfigs([changes], request);
          if (factor !== null) await admin.alterReplicationFactor(name, factor, { ...request, ...rate });
          await describeTopics(ottla, [name], cluster.json, surroundings);
        });
      },
    );
}
