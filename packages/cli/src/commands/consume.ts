import type { ConsumerRecord, Ottla, TopicPartition } from "@ottla/client";
import { Command } from "commander";
import { UsageError } from "../exit-codes.ts";
import { clusterOptions, collect, type Surroundings, wholeNumber, withClient, withClusterOptions } from "../invocation.ts";
import { Progress } from "../output/progress.ts";
import { formatCount, formatDuration } from "../output/size.ts";
import { recordFormat } from "../records/output.ts";
import { parsePosition, type Position } from "../records/position.ts";
import { endsOf, type Ends, startsOf } from "../records/range.ts";

/** How much a reader that is killed may read again. */
const commitIntervalMs = 500;

interface Options {
  bootstrap?: string;
  timeout: string;
  json: boolean;
  partition: string[];
  from?: string;
  to: string;
  follow: boolean;
  format: string;
  count?: string;
  group?: string;
}

interface Request {
  readonly topics: readonly string[];
  readonly partitions: readonly number[];
  readonly from: Position | undefined;
  readonly to: Position | null;
  readonly count: number | undefined;
  readonly group: string | undefined;
  readonly format: string;
}

export function consumeCommand(surroundings: Surroundings): Command {
  return withClusterOptions(new Command("consume"))
    .description("read records, by default from the beginning to the end there is now")
    .argument("<topics...>")
    .option("-p, --partition <number>", "only this one, may be repeated (with one topic)", collect, [])
    .option("--from <position>", "beginning (default), end, an offset, -10 for the last ten, a date, @milliseconds")
    .option("--to <position>", "end (default), an offset, a date, @milliseconds: the first record not to read", "end")
    .option("-f, --follow", "go on when the end is reached", false)
    .option(
      "--format <format>",
      "value, json, or a pattern: %t topic %p partition %o offset %T timestamp %k key %v value %h headers",
      "value",
    )
    .option("-n, --count <records>", "stop after so many")
    .option("-g, --group <name>", "resume where this group has committed, and commit what was read")
    .action(async (topics: string[], options: Options) => {
      const cluster = clusterOptions(options, surroundings);
      if (options.partition.length > 0 && topics.length > 1)
        throw new UsageError(`--partition goes with one topic, there are ${topics.length}`);
      const request: Request = {
        topics,
        partitions: options.partition.map((text) => wholeNumber("--partition", text, 0)),
        from: options.from === undefined ? undefined : parsePosition("--from", options.from),
        to: options.follow ? null : parsePosition("--to", options.to),
        count: options.count === undefined ? undefined : wholeNumber("--count", options.count, 1),
        group: options.group,
        format: cluster.json ? "json" : options.format,
      };
      await withClient(cluster, (ottla) => consume(ottla, request, surroundings));
    });
}

async function consume(ottla: Ottla, request: Request, surroundings: Surroundings): Promise<void> {
  const { terminal, signal } = surroundings;
  const assigned = await partitionsOf(ottla, request, signal);
  // Before reading begins, so that records that arrive meanwhile do not move the end away.
  const ends = request.to === null ? null : await endsOf(ottla, assigned, request.to, signal);
  const starts =
    request.from === undefined ? null : await startsOf(ottla, assigned, request.from, signal, (text) => terminal.error(`${text}\n`));
  const assign = assigned.map((one, at) => {
    const start = starts?.[at];
    return start === undefined ? one : { ...one, offset: start };
  });
  await using consumer = ottla.consumer({
    assign,
    offsetReset: "earliest",
    ...(request.group === undefined ? {} : { group: request.group, autoCommitIntervalMs: commitIntervalMs }),
    signal,
  });
  const ahead = ends === null ? null : await finishReached(consumer, assigned, ends);
  using progress = new Progress(terminal, `Reading ${request.topics.join(", ")}`, leastOf(request.count, ahead));
  const format = recordFormat(request.format);
  const isDone = (): boolean => ends?.finished === true || records === request.count;
  let records = 0;
  if (!isDone()) {
    for await (const batch of consumer.batches()) {
      const wanted = within(batch.records, ends?.of(batch), request.count === undefined ? undefined : request.count - records);
      if (wanted.length > 0) await terminal.write(wanted.map(format).join(""));
      records += wanted.length;
      progress.add(
        wanted.length,
        wanted.reduce((bytes, { value }) => bytes + (value?.length ?? 0), 0),
      );
      const last = batch.records.at(-1);
      if (last) ends?.reached(batch, last.offset + 1);
      if (isDone()) {
        const next = wanted.at(-1);
        // What was read and not shown is for the next run.
        if (request.group !== undefined && next)
          await consumer.commit([{ topic: batch.topic, partition: batch.partition, offset: next.offset + 1 }]);
        break;
      }
      const unshown = batch.records[wanted.length];
      // Its partition is through, others are not: without this the group would commit what nobody has seen.
      if (unshown) {
        consumer.pause([batch]);
        await consumer.seek(batch, { offset: unshown.offset });
      }
    }
  }
  progress.end();
  if (terminal.interactive) terminal.error(`${formatCount(records)} records in ${formatDuration(progress.elapsedMs)}\n`);
}

function within(records: readonly ConsumerRecord[], end: number | undefined, most: number | undefined): readonly ConsumerRecord[] {
  const below = end === undefined ? records : records.filter(({ offset }) => offset < end);
  return most === undefined ? below : below.slice(0, most);
}

async function partitionsOf(ottla: Ottla, { topics, partitions }: Request, signal: AbortSignal): Promise<TopicPartition[]> {
  const described = await ottla.admin().describeTopics(topics, { signal });
  return described.flatMap((topic) => {
    const missing = partitions.find((wanted) => !topic.partitions.some(({ partition }) => partition === wanted));
    if (missing !== undefined)
      throw new UsageError(`${topic.name} has no partition ${missing}; it has 0 to ${topic.partitions.length - 1}`);
    return topic.partitions
      .filter(({ partition }) => partitions.length === 0 || partitions.includes(partition))
      .map(({ partition }) => ({ topic: topic.name, partition }));
  });
}

/** Partitions in which there is nothing to read are through: no record will come to say so.
 * @returns how many offsets there are to read in the others */
async function finishReached(
  consumer: { position(partition: TopicPartition): Promise<number> },
  assigned: readonly TopicPartition[],
  ends: Ends,
): Promise<number> {
  let ahead = 0;
  for (const one of assigned) {
    const left = ends.of(one) - (await consumer.position(one));
    if (left <= 0) ends.finish(one);
    else ahead += left;
  }
  return ahead;
}

function leastOf(count: number | undefined, ahead: number | null): number | undefined {
  return ahead === null ? count : Math.min(count ?? ahead, ahead);
}
