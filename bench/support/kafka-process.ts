import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { canConnect, untilTrue } from "./wait.ts";

const port = 19_692;

/** A real Apache Kafka node, to stand beside. `libs` is the directory with its jars; Java must be on the path. */
export class KafkaProcess {
  readonly bootstrap = `127.0.0.1:${port}`;
  /** From spawn of the formatted node to its port answering. */
  readonly startMs: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, startMs: number) {
    this.#child = child;
    this.startMs = startMs;
  }

  /** Formats a fresh directory (not counted in `startMs`), or reuses the one of an earlier run. */
  static async start(libs: string, directory: string, options: { fresh: boolean }): Promise<KafkaProcess> {
    const config = join(directory, "node.properties");
    if (options.fresh) {
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { recursive: true });
      await writeFile(
        config,
        [
          "process.roles=broker,controller",
          "node.id=1",
          `controller.quorum.voters=1@127.0.0.1:${port + 1}`,
          `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}`,
          "controller.listener.names=CONTROLLER",
          "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
          `log.dirs=${join(directory, "data")}`,
          "offsets.topic.replication.factor=1",
          "transaction.state.log.replication.factor=1",
          "group.initial.rebalance.delay.ms=0",
        ].join("\n"),
      );
      const id = java(libs, ["kafka.tools.StorageTool", "random-uuid"]).trim();
      java(libs, ["kafka.tools.StorageTool", "format", "-t", id, "-c", config]);
    }
    const startedMs = performance.now();
    const child = spawn(
      "java",
      [
        "-server",
        "-Xms1G",
        "-Xmx1G",
        "-XX:+UseG1GC",
        "-XX:MaxGCPauseMillis=20",
        "-XX:InitiatingHeapOccupancyPercent=35",
        "-cp",
        `${libs}/*`,
        "kafka.Kafka",
        config,
      ],
      { stdio: "ignore" },
    );
    await untilTrue(() => canConnect(port), 60_000, "Kafka's port");
    return new KafkaProcess(child, performance.now() - startedMs);
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    const killer = setTimeout(() => this.#child.kill("SIGKILL"), 30_000);
    await gone;
    clearTimeout(killer);
  }
}

function java(libs: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("java", ["-cp", `${libs}/*`, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`java ${args.join(" ")} ended with ${status}: ${stderr}`);
  return stdout;
}
