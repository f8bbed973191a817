import { type ChildProcess, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { capture, type Throughput } from "./run-ottla.ts";
import { untilTrue } from "./wait.ts";

export interface KafkaLoad {
  readonly topic: string;
  readonly records: number;
  /** Sent first and not counted. */
  readonly warmup?: number;
  /** Records a second; as fast as they are acknowledged by default. */
  readonly rate?: number;
  readonly lingerMs: number;
  /** At most; 256 KiB by default. */
  readonly batchBytes?: number;
}

/** Kafka's own load generator: 1 KiB records, acks=all. */
export async function produceToKafka(libs: string, bootstrap: string, load: KafkaLoad): Promise<Throughput> {
  const { topic, records, warmup = 0, rate = -1, lingerMs, batchBytes = 262_144 } = load;
  const text = await capture("java", [
    ...["-Xmx512m", "-cp", `${libs}/*`, "org.apache.kafka.tools.ProducerPerformance", "--bootstrap-server", bootstrap],
    ...["--topic", topic, "--num-records", String(warmup + records), "--record-size", "1024", "--throughput", String(rate)],
    ...(warmup > 0 ? ["--warmup-records", String(warmup)] : []),
    ...["--command-property", "acks=all", `batch.size=${batchBytes}`, `linger.ms=${lingerMs}`, "buffer.memory=67108864"],
  ]);
  // The last line with percentiles is about what came behind the warm-up.
  const total = text
    .trim()
    .split("\n")
    .findLast((line) => line.includes("99th"));
  const number = (pattern: RegExp): number => {
    const found = pattern.exec(total ?? "")?.[1];
    if (found === undefined) throw new Error(`Kafka's load generator said: ${text}`);
    return Number(found);
  };
  return {
    recordsPerSecond: number(/([\d.]+) records\/sec/),
    latencyMs: { p50: number(/([\d.]+) ms 50th/), p99: number(/([\d.]+) ms 99th/), max: number(/([\d.]+) ms max latency/) },
  };
}

/** Kafka's verifiable producer writing to one partition all the time: the longest time between two acknowledgements it tells of. */
export class KafkaGapMeter {
  readonly #child: ChildProcess;
  #acknowledged = 0;
  #lastMs = performance.now();
  #longestMs = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout)
      createInterface({ input: child.stdout }).on("line", (line) => line.includes("producer_send_success") && this.#arrived());
  }

  static async start(libs: string, directory: string, bootstrap: string, topic: string): Promise<KafkaGapMeter> {
    const config = join(directory, "producer.properties");
    // The tool gives up at the first failure unless told otherwise.
    await writeFile(config, "retries=2147483647\nenable.idempotence=true\nacks=all\nlinger.ms=0\n");
    const child = spawn(
      "java",
      [
        ...["-Xmx512m", "-cp", `${libs}/*`, "org.apache.kafka.tools.VerifiableProducer", "--bootstrap-server", bootstrap],
        ...["--topic", topic, "--throughput", "200", "--command-config", config],
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    return new KafkaGapMeter(child);
  }

  async reached(more: number): Promise<void> {
    const until = this.#acknowledged + more;
    await untilTrue(() => Promise.resolve(this.#acknowledged >= until), 120_000, `${more} records to be acknowledged by Kafka`);
  }

  reset(): void {
    this.#longestMs = 0;
    this.#lastMs = performance.now();
  }

  get longestMs(): number {
    return this.#longestMs;
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    await gone;
  }

  #arrived(): void {
    this.#acknowledged += 1;
    const nowMs = performance.now();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }
}
