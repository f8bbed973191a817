import { randomBytes } from "node:crypto";
import type { Ottla, Producer } from "@ottla/client";
import { Command } from "commander";
import { clusterOptions, type Surroundings, wholeNumber, withClient, withClusterOptions } from "../invocation.ts";
import { Progress } from "../output/progress.ts";
import { showJson } from "../output/show.ts";
import { formatBytes, formatCount } from "../output/size.ts";
import { Latencies } from "../records/latencies.ts";
import { Pace } from "../records/pace.ts";

interface Options {
  bootstrap?: string;
  timeout: string;
  json: boolean;
  topic: string;
  records: string;
}

/** Sent and not yet acknowledged: enough to keep batches full, few enough that latency means something. */
const maxInFlight = 16_384;

export function benchCommand(surroundings: Surroundings): Command {
  return new Command("bench")
    .description("measure this cluster from here")
    .addCommand(produceBench(surroundings))
    .addCommand(consumeBench(surroundings));
}

function produceBench(surroundings: Surroundings): Command {
  return withClusterOptions(new Command("produce"))
    .description("write records as fast as they are acknowledged, or at a rate")
    .option("-t, --topic <name>", "created with six partitions if it is missing", "ottla-bench")
    .option("-n, --records <count>", "", "1000000")
    .option("-s, --size <bytes>", "of each value", "1024")
    .option("--rate <records>", "at most so many a second")
    .option("--linger <ms>", "how long a batch waits for company", "5")
    .option("--warmup <records>", "sent first and not counted", "0")
    .action(async (options: Options & { size: string; rate?: string; linger: string; warmup: string }) => {
      const cluster = clusterOptions(options, surroundings);
      const records = wholeNumber("--records", options.records, 1);
      const size = wholeNumber("--size", options.size, 1, 64 * 1024 * 1024);
      const rate = options.rate === undefined ? undefined : wholeNumber("--rate", options.rate, 1);
      const lingerMs = wholeNumber("--linger", options.linger, 0, 60_000);
      const warmup = wholeNumber("--warmup", options.warmup, 0);
      await withClient(cluster, async (ottla) => {
        await ensureTopic(ottla, options.topic);
        await using producer = ottla.producer({ lingerMs });
        const load = { producer, topic: options.topic, size };
        if (warmup > 0) await produce({ ...load, records: warmup }, new Pace(rate), surroundings);
        const { elapsedMs, latencies, sent } = await produce({ ...load, records }, new Pace(rate), surroundings);
        await account(surroundings, cluster.json, {
          what: "produced",
          records: sent,
          bytes: sent * size,
          elapsedMs,
          latencyMs: latencies.summary(),
        });
      });
    });
}

function consumeBench(surroundings: Surroundings): Command {
  return withClusterOptions(new Command("consume"))
    .description("read a topic from its beginning")
    .option("-t, --topic <name>", "", "ottla-bench")
    .option("-n, --records <count>", "", "1000000")
    .action(async (options: Options) => {
      const cluster = clusterOptions(options, surroundings);
      const count = wholeNumber("--records", options.records, 1);
      await withClient(cluster, async (ottla) => {
        await using consumer = ottla.consumer({
          assign: [{ topic: options.topic, offset: "beginning" }],
          until: "end",
          count,
          signal: surroundings.signal,
        });
        using progress = new Progress(surroundings.terminal, `Reading ${options.topic}`, count);
        let records = 0;
        let bytes = 0;
        for await (const batch of consumer.batches()) {
          const size = batch.records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
          records += batch.records.length;
          bytes += size;
          progress.add(batch.records.length, size);
        }
        progress.end();
        await account(surroundings, cluster.json, { what: "consumed", records, bytes, elapsedMs: progress.elapsedMs });
      });
    });
}

interface Load {
  readonly producer: Producer;
  readonly topic: string;
  readonly records: number;
  readonly size: number;
}

async function produce(
  { producer, topic, records, size }: Load,
  pace: Pace,
  { terminal, signal }: Surroundings,
): Promise<{ elapsedMs: number; latencies: Latencies; sent: number }> {
  using progress = new Progress(terminal, `Producing to ${topic}`, records);
  const latencies = new Latencies();
  // Values that do not compress, and that differ, so that nothing is measured that a real load would not have.
  const pool = randomBytes(size + 4096);
  let inFlight = 0;
  let sent = 0;
  let failure: Error | undefined;
  let wake = (): void => {};
  while (sent < records && !signal.aborted && !failure) {
    await pace.next(signal);
    if (inFlight >= maxInFlight) await new Promise<void>((resolve) => (wake = resolve));
    const at = sent % 4096;
    const startMs = performance.now();
    inFlight += 1;
    sent += 1;
    producer.send(topic, { value: pool.subarray(at, at + size) }).then(
      () => {
        latencies.add(performance.now() - startMs);
        progress.add(1, size);
        inFlight -= 1;
        wake();
      },
      (error: Error) => {
        failure ??= error;
        inFlight -= 1;
        wake();
      },
    );
  }
  await producer.flush();
  if (failure) throw failure;
  return { elapsedMs: progress.elapsedMs, latencies, sent };
}

async function ensureTopic(ottla: Ottla, name: string): Promise<void> {
  const admin = ottla.admin();
  if (!(await admin.listTopics()).includes(name)) await admin.createTopic({ name, partitions: 6 });
}

interface Account {
  readonly what: string;
  readonly records: number;
  readonly bytes: number;
  readonly elapsedMs: number;
  readonly latencyMs?: { readonly p50: number; readonly p99: number; readonly max: number };
}

async function account({ terminal }: Surroundings, json: boolean, { what, records, bytes, elapsedMs, latencyMs }: Account): Promise<void> {
  const perSecond = (records * 1000) / elapsedMs;
  if (json)
    return showJson(terminal, {
      what,
      records,
      bytes,
      elapsedMs: Math.round(elapsedMs),
      recordsPerSecond: Math.round(perSecond),
      ...(latencyMs ? { latencyMs } : {}),
    });
  const latency = latencyMs ? `, latency p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms, max ${latencyMs.max} ms` : "";
  await terminal.write(
    `${formatCount(records)} records ${what}: ${formatCount(perSecond)}/s, ${formatBytes((bytes * 1000) / elapsedMs)}/s${latency}\n`,
  );
}
