import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { canConnect, untilTrue } from "./wait.ts";

const firstPort = 19_692;

export interface KafkaOptions {
  /** Formats an empty directory (not counted in `startMs`), or reuses the one of an earlier run. */
  readonly fresh: boolean;
  /** Its place in a cluster of so many nodes, from 1; alone by default. */
  readonly nodeId?: number;
  readonly nodes?: number;
  /** All nodes of a cluster are formatted with the same one. */
  readonly clusterId?: string;
}

/** A real Apache Kafka node, to stand beside. `libs` is the directory with its jars; Java must be on the path. */
export class KafkaProcess {
  readonly bootstrap: string;
  /** From spawn of the formatted node to its port answering. */
  readonly startMs: number;
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;

  private constructor(child: ChildProcess, gone: Promise<unknown>, bootstrap: string, startMs: number) {
    this.#child = child;
    this.#gone = gone;
    this.bootstrap = bootstrap;
    this.startMs = startMs;
  }

  static async start(libs: string, directory: string, { fresh, nodeId = 1, nodes = 1, clusterId }: KafkaOptions): Promise<KafkaProcess> {
    const config = join(directory, "node.properties");
    if (fresh) {
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { recursive: true });
      await writeFile(config, properties(nodeId, nodes, join(directory, "data")).join("\n"));
      java(libs, ["kafka.tools.StorageTool", "format", "-t", clusterId ?? randomClusterId(libs), "-c", config]);
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
    const gone = new Promise((resolve) => child.once("exit", resolve));
    const { port } = portsOf(nodeId);
    await untilTrue(() => canConnect(port), 60_000, `the port of Kafka's node ${nodeId}`);
    return new KafkaProcess(child, gone, `127.0.0.1:${port}`, performance.now() - startedMs);
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    const killer = setTimeout(() => this.#child.kill("SIGKILL"), 30_000);
    await this.#gone;
    clearTimeout(killer);
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#gone;
  }
}

export function randomClusterId(libs: string): string {
  return java(libs, ["kafka.tools.StorageTool", "random-uuid"]).trim();
}

function portsOf(nodeId: number): { port: number; controllerPort: number } {
  const port = firstPort + 10 * (nodeId - 1);
  return { port, controllerPort: port + 1 };
}

function properties(nodeId: number, nodes: number, dataDirectory: string): string[] {
  const { port, controllerPort } = portsOf(nodeId);
  const voters = Array.from({ length: nodes }, (_, at) => `${at + 1}@127.0.0.1:${portsOf(at + 1).controllerPort}`);
  const majority = Math.floor(nodes / 2) + 1;
  return [
    "process.roles=broker,controller",
    `node.id=${nodeId}`,
    `controller.quorum.voters=${voters.join(",")}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    "controller.listener.names=CONTROLLER",
    "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    `log.dirs=${dataDirectory}`,
    `default.replication.factor=${nodes}`,
    `min.insync.replicas=${majority}`,
    `offsets.topic.replication.factor=${nodes}`,
    `transaction.state.log.replication.factor=${nodes}`,
    `transaction.state.log.min.isr=${majority}`,
    "group.initial.rebalance.delay.ms=0",
  ];
}

function java(libs: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("java", ["-cp", `${libs}/*`, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`java ${args.join(" ")} ended with ${status}: ${stderr}`);
  return stdout;
}
