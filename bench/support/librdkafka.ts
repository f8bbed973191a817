import { type ChildProcess, spawn } from "node:child_process";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { randomBytes } from "node:crypto";
import { install } from "../../test/compat/rig/install.ts";
import { python, whyNot } from "../../test/compat/rig/tools.ts";
import { capture, type Throughput } from "./run-ottla.ts";
import { untilTrue } from "./wait.ts";

const script = fileURLToPath(new URL("./librdkafka-load.py", import.meta.url));

/** A file of lines of 1 KiB, for kcat to send. */
export async function linesOf1KiB(path: string, records: number): Promise<string> {
  const file = await open(path, "w");
  for (let left = records; left > 0; left -= 1000) {
    const lines = Array.from({ length: Math.min(left, 1000) }, () => `${randomBytes(512).toString("hex").slice(0, 1023)}x\n`);
    await file.write(lines.join(""));
  }
  await file.close();
  return path;
}

/** @returns records a second of the whole run of kcat */
export async function kcatProduce(bootstrap: string, topic: string, path: string, records: number): Promise<number> {
  const settings = ["acks=all", "linger.ms=10", "batch.size=1000000", "batch.num.messages=10000", "queue.buffering.max.messages=500000"];
  const args = ["-P", "-b", bootstrap, "-t", topic, "-l", path, ...settings.flatMap((one) => ["-X", one])];
  return timed(records, () => capture("kcat", args));
}

/** Reads all there is. */
export function kcatConsume(bootstrap: string, topic: string, records: number): Promise<number> {
  return timed(records, () => silently("kcat", ["-C", "-q", "-u", "-b", bootstrap, "-t", topic, "-o", "beginning", "-e"]));
}

/** librdkafka at a rate, by the clock. */
export async function pacedLatency(
  bootstrap: string,
  load: { readonly topic: string; readonly rate: number; readonly warmup: number; readonly records: number; readonly lingerMs: number },
): Promise<Throughput> {
  const { topic, rate, warmup, records, lingerMs } = load;
  const numbers = [rate, warmup, records, lingerMs].map(String);
  return JSON.parse(await capture(pythonProgram(), [script, "latency", bootstrap, topic, ...numbers]));
}

/** An idempotent librdkafka producer that writes to partition 0 all the time: the longest time between two acknowledgements. */
export class LibrdkafkaGaps {
  readonly #child: ChildProcess;
  #acknowledged = 0;
  #lastMs = performance.now();
  #longestMs = 0;

  constructor(bootstrap: string, topic: string) {
    this.#child = spawn(pythonProgram(), [script, "gaps", bootstrap, topic, "200", "0"], { stdio: ["pipe", "pipe", "inherit"] });
    if (this.#child.stdout) createInterface({ input: this.#child.stdout }).on("line", () => this.#arrived());
  }

  async reached(more: number): Promise<void> {
    const until = this.#acknowledged + more;
    await untilTrue(() => Promise.resolve(this.#acknowledged >= until), 120_000, `${more} acknowledgements to librdkafka`);
  }

  reset(): void {
    this.#longestMs = 0;
    this.#lastMs = performance.now();
  }

  get longestMs(): number {
    return this.#longestMs;
  }

  /** Rejects when a record was given up. */
  async stop(): Promise<void> {
    const gone = new Promise<number | null>((resolve) => this.#child.once("exit", resolve));
    this.#child.stdin?.end();
    const code = await gone;
    if (code !== 0) throw new Error(`The producer ended with ${code}`);
  }

  #arrived(): void {
    this.#acknowledged += 1;
    const nowMs = performance.now();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }
}

function pythonProgram(): string {
  install((line) => console.log(line));
  const why = whyNot.python();
  if (why !== null) throw new Error(why);
  return python.program;
}

async function timed(records: number, work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (records * 1000) / (performance.now() - startedMs);
}

/** What it prints is not looked at, and costs as little as it can. */
async function silently(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with exit code ${String(code)}`);
}
