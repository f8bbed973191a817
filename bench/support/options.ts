import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

export interface BenchOptions {
  readonly rounds: number;
  /** Directory with Kafka's jars; without it Ottla is measured alone. */
  readonly kafkaLibs: string | undefined;
  /** On the file system to be measured; removed at the end. */
  readonly directory: string;
}

/** `--rounds N`, `--kafka-libs DIR`, `--directory DIR`, the same for every benchmark. */
export async function benchOptions(): Promise<BenchOptions> {
  const { values } = parseArgs({
    options: { rounds: { type: "string", default: "3" }, "kafka-libs": { type: "string" }, directory: { type: "string" } },
  });
  const directory = await mkdtemp(join(values.directory ?? tmpdir(), "ottla-bench-"));
  // Nothing asynchronous runs to its end in an exit handler.
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  return { rounds: Number(values.rounds), kafkaLibs: values["kafka-libs"], directory };
}
