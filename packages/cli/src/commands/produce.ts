import type { Ottla, OutgoingRecord, Producer, RecordMetadata } from "@ottla/client";
import { Command, Option } from "commander";
import {
  assignments,
  clusterOptions,
  collect,
  type GlobalOptions,
  type Surroundings,
  wholeNumber,
  withClient,
  withClusterOptions,
} from "../invocation.ts";
import { Progress } from "../output/progress.ts";
import { showJson } from "../output/show.ts";
import { formatCount, formatDuration } from "../output/size.ts";
import { type InputFormat, inputLines, parseRecord } from "../records/input.ts";
import { Pace } from "../records/pace.ts";
import { RetentionWarning } from "../records/retention-warning.ts";

/** Sent and not yet acknowledged; above it the input waits. */
const maxInFlight = 20_000;

interface Options {
  bootstrap?: string;
  timeout: string;
  json: boolean;
  file: string[];
  format: "line" | "json";
  keySeparator?: string;
  header: string[];
  partition?: string;
  rate?: string;
  acks: "all" | "1" | "0";
  compression: "none" | "gzip" | "snappy" | "lz4" | "zstd";
  linger: string;
  printOffsets: boolean;
}

export function produceCommand(surroundings: Surroundings): Command {
  return withClusterOptions(new Command("produce"))
    .description("write records from standard input or files, one a line")
    .argument("<topic>")
    .option("-f, --file <path>", "instead of standard input, may be repeated; - is standard input", collect, [])
    .addOption(
      new Option("--format <format>", 'line: the line is the value; json: {"key": …, "value": …, "headers": …, "timestamp": …}')
        .choices(["line", "json"])
        .default("line"),
    )
    .option("-k, --key-separator <text>", "lines are key, separator, value")
    .option("-H, --header <name=value>", "on every record, may be repeated", collect, [])
    .option("-p, --partition <number>", "send everything there")
    .option("--rate <records>", "at most so many records a second")
    .addOption(new Option("--acks <acks>", "who must have a record before it counts").choices(["all", "1", "0"]).default("all"))
    .addOption(new Option("-z, --compression <codec>").choices(["none", "gzip", "snappy", "lz4", "zstd"]).default("none"))
    .option("--linger <ms>", "how long a batch waits for company", "5")
    .option("--print-offsets", "one line for each record: topic, partition, offset", false)
    .action(async (topic: string, options: Options) => {
      const cluster = clusterOptions(options, surroundings);
      const format: InputFormat = {
        format: options.format,
        keySeparator: options.keySeparator,
        headers: [...assignments("--header", options.header)],
        partition: options.partition === undefined ? undefined : wholeNumber("--partition", options.partition, 0),
      };
      const pace = new Pace(options.rate === undefined ? undefined : wholeNumber("--rate", options.rate, 1));
      const lingerMs = wholeNumber("--linger", options.linger, 0, 60_000);
      await withClient(cluster, async (ottla) => {
        await using producer = ottla.producer({
          acks: options.acks === "all" ? "all" : options.acks === "1" ? 1 : 0,
          compression: options.compression,
          lingerMs,
          deliveryTimeoutMs: cluster.timeoutMs,
        });
        await produceAll({
          ottla,
          producer,
          topic,
          format,
          pace,
          files: options.file,
          printOffsets: options.printOffsets,
          cluster,
          surroundings,
        });
      });
    });
}

interface Work {
  readonly ottla: Ottla;
  readonly producer: Producer;
  readonly topic: string;
  readonly format: InputFormat;
  readonly pace: Pace;
  readonly files: readonly string[];
  readonly printOffsets: boolean;
  readonly cluster: GlobalOptions;
  readonly surroundings: Surroundings;
}

/** Stops reading at the first failure or at SIGINT; what was sent by then is awaited, and the account says what became of it. */
async function produceAll({ ottla, producer, topic, format, pace, files, printOffsets, cluster, surroundings }: Work): Promise<void> {
  const { terminal, signal } = surroundings;
  using progress = new Progress(terminal, `Producing to ${topic}`);
  const retention = new RetentionWarning(ottla, topic, terminal);
  let acknowledged = 0;
  let inFlight = 0;
  let failure: Error | undefined;
  let wake = (): void => {};
  const settle = (): void => {
    inFlight -= 1;
    wake();
  };
  const delivered = (record: OutgoingRecord, metadata: RecordMetadata): void => {
    acknowledged += 1;
    progress.add(1, (record.value?.length ?? 0) + (record.key?.length ?? 0));
    if (printOffsets)
      void terminal.write(`${metadata.topic} ${metadata.partition} ${metadata.offset}\n`).catch((error: Error) => (failure ??= error));
    settle();
  };
  const below = async (limit: number): Promise<void> => {
    while (inFlight > limit) await new Promise<void>((resolve) => (wake = resolve));
  };
  try {
    for await (const line of inputLines(files, signal)) {
      if (failure) break;
      const record = parseRecord(line, format);
      await retention.look(record);
      await pace.next(signal);
      await below(maxInFlight);
      inFlight += 1;
      producer.send(topic, record).then(
        (metadata) => delivered(record, metadata),
        (error: Error) => {
          failure ??= error;
          settle();
        },
      );
    }
  } finally {
    await producer.flush();
    await below(0);
    progress.end();
    await account(acknowledged, progress.elapsedMs, topic, cluster, surroundings);
  }
  if (failure) throw failure;
}

async function account(
  records: number,
  elapsedMs: number,
  topic: string,
  { json }: GlobalOptions,
  { terminal }: Surroundings,
): Promise<void> {
  if (json) return showJson(terminal, { topic, acknowledged: records, elapsedMs: Math.round(elapsedMs) });
  terminal.error(`${formatCount(records)} records acknowledged in ${topic} in ${formatDuration(elapsedMs)}\n`);
}
