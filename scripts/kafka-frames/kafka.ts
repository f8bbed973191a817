import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export interface Kafka extends AsyncDisposable {
  readonly directory: string;
  /** Runs one of Kafka's tools (of org.apache.kafka.tools unless its name is whole) until it ends, or for so long; its outcome does not matter. */
  tool(name: string, args: readonly string[], options?: { input?: string; seconds?: number }): Promise<string>;
  /** @throws Error when it does not answer */
  ready(bootstrap: string): Promise<void>;
}

export async function startKafka({ jars, port, advertisedPort }: { jars: string; port: number; advertisedPort: number }): Promise<Kafka> {
  const directory = await mkdtemp(join(tmpdir(), "kafka-frames-"));
  const java = (args: readonly string[], options: { input?: string; seconds?: number } = {}): Promise<string> =>
    run("java", ["-Xmx512m", "-cp", `${jars}/*`, ...args], options);
  const properties = join(directory, "server.properties");
  await writeFile(
    properties,
    `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${port + 1}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}
advertised.listeners=PLAINTEXT://127.0.0.1:${advertisedPort}
controller.listener.names=CONTROLLER
log.dirs=${join(directory, "log")}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=2
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
`,
  );
  await java(["kafka.tools.StorageTool", "format", "-t", "AAAAAAAAQACAAAAAAAAAAQ", "-c", properties]);
  const server = spawn("java", ["-Xmx768m", "-cp", `${jars}/*`, "kafka.Kafka", properties], { stdio: "ignore" });
  return {
    directory,
    tool: (name, args, options) => java([name.startsWith("kafka.") ? name : `org.apache.kafka.tools.${name}`, ...args], options),
    async ready(bootstrap) {
      for (let attempt = 0; attempt < 60; attempt++) {
        const answer = await java(["org.apache.kafka.tools.TopicCommand", "--bootstrap-server", bootstrap, "--create", "--topic", "ready"]);
        if (answer.includes("Created topic") || answer.includes("already exists")) return;
        if (server.exitCode !== null) throw new Error(`Kafka stopped with code ${server.exitCode}`);
        await pause(500);
      }
      throw new Error(`Kafka does not answer at ${bootstrap}`);
    },
    async [Symbol.asyncDispose]() {
      const gone = once(server, "exit");
      server.kill("SIGKILL");
      await gone;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** @returns what it printed, on both outputs */
export async function run(
  command: string,
  args: readonly string[],
  { input = "", seconds = 60 }: { input?: string; seconds?: number } = {},
): Promise<string> {
  const child = spawn(command, [...args], { stdio: ["pipe", "pipe", "pipe"], timeout: seconds * 1000 });
  let printed = "";
  const note = (chunk: Buffer): void => {
    printed += String(chunk);
  };
  child.stdout.on("data", note);
  child.stderr.on("data", note);
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  try {
    await once(child, "close");
  } catch (error) {
    return `${command} cannot be started: ${String(error)}`;
  }
  return printed;
}
