import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client, Position, Session } from "../client.ts";
import type { Sent, Stored } from "../record.ts";
import { runTool, type ToolRun } from "../rig/run-tool.ts";
import { kafkaTool, whyNot } from "../rig/tools.ts";

const tools = "org.apache.kafka.tools";
const nothing = "~null~";

export const java: Client = {
  name: "Kafka's tools",
  version:
    "the command line tools of Apache Kafka 4.3 (Java): console producer and consumer, VerifiableProducer, ProducerPerformance, admin",
  whyNot: whyNot.java,
  open,
  missing: { "produce-timestamps": "the console producer cannot set timestamps (VerifiableProducer can, see there)" },
};

async function open(bootstrap: string): Promise<Session> {
  const directory = await mkdtemp(join(tmpdir(), "ottla-compat-"));
  // A tool that lives for a second gains nothing from the optimizing compiler.
  const env = { JDK_JAVA_OPTIONS: "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC" };
  const run = (name: string, args: readonly string[], more: ToolRun = {}): Promise<string> =>
    runTool([...(kafkaTool() ?? []), name, ...args], { ...more, env });
  const ask = (name: string, ...args: string[]): Promise<string> => run(name, ["--bootstrap-server", bootstrap, ...args]);
  const file = async (content: object | string): Promise<string> => {
    const path = join(directory, "input");
    await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  };
  const topics = (...args: string[]): Promise<string> => ask(`${tools}.TopicCommand`, ...args);
  const configs = async (type: string, name: string): Promise<Record<string, string>> => {
    const text = await ask("kafka.admin.ConfigCommand", "--entity-type", type, "--entity-name", name, "--describe", "--all");
    return Object.fromEntries([...text.matchAll(/^ {2}([\w.]+)=(.*?) sensitive=/gm)].map(([, config = "", value = ""]) => [config, value]));
  };
  const offsetAt: Session["offsetAt"] = async ({ topic, partition }, at) => {
    const time = typeof at === "object" ? String(at.timeMs) : at;
    const text = await ask(`${tools}.GetOffsetShell`, "--topic-partitions", `${topic}:${partition}`, "--time", time);
    const offset = new RegExp(`^${topic}:${partition}:(\\d+)$`, "m").exec(text)?.[1];
    if (offset === undefined) throw new Error(`GetOffsetShell said ${text}`);
    return Number(offset);
  };
  const apiVersions = (): Promise<string> => ask(`${tools}.BrokerApiVersionsCommand`);
  const startOf = async (at: Position, of: { topic: string; partition: number }): Promise<number> =>
    "offset" in at ? at.offset : offsetAt(of, at);

  return {
    async produce({ topic }, records, { codec = "none", idempotent = false }) {
      const reading = ["parse.key=true", "parse.headers=true", `null.marker=${nothing}`].flatMap((one) => ["--reader-property", one]);
      const sending = [
        `enable.idempotence=${idempotent}`,
        "acks=all",
        "delivery.timeout.ms=60000",
        "request.timeout.ms=10000",
        "linger.ms=5",
      ];
      const command = sending.flatMap((one) => ["--command-property", one]);
      const retries = ["--message-send-max-retries", "1000", "--request-timeout-ms", "10000", "--compression-codec", codec];
      await run(`${tools}.ConsoleProducer`, ["--bootstrap-server", bootstrap, "--topic", topic, ...reading, ...retries, ...command], {
        lines: lines(records),
      });
    },
    async read({ topic, partition }, at, count) {
      const show = ["timestamp", "offset", "headers", "key"].map((what) => `print.${what}=true`);
      const format = [...show, `null.literal=${nothing}`].flatMap((one) => ["--formatter-property", one]);
      const place = ["--topic", topic, "--partition", String(partition), "--offset", String(await startOf(at, { topic, partition }))];
      const text = await ask(`${tools}.consumer.ConsoleConsumer`, ...place, "--max-messages", String(count), ...format);
      return text.trimEnd().split("\n").map(stored);
    },
    async createTopic(topic, partitions, wanted) {
      const settings = Object.entries(wanted).flatMap(([name, value]) => ["--config", `${name}=${value}`]);
      await topics("--create", "--topic", topic, "--partitions", String(partitions), ...settings);
    },
    listTopics: async () => (await topics("--list")).trim().split("\n"),
    async describeTopic(topic) {
      const text = await topics("--describe", "--topic", topic);
      const found = [...text.matchAll(/Partition: \d+\tLeader: (\d+|none)\tReplicas: ([\d,]+)\tIsr: ([\d,]*)/g)];
      const ids = (list = ""): number[] => list.split(",").filter(Boolean).map(Number);
      return {
        partitions: found.map(([, leader, replicas, isr]) => ({ leader: Number(leader), replicas: ids(replicas), inSync: ids(isr) })),
      };
    },
    async deleteTopic(topic) {
      await topics("--delete", "--topic", topic);
    },
    async addPartitions(topic, total) {
      await topics("--alter", "--topic", topic, "--partitions", String(total));
    },
    topicConfigs: (topic) => configs("topics", topic),
    brokerConfigs: (nodeId) => configs("brokers", String(nodeId)),
    async setTopicConfig(topic, name, value) {
      await ask(
        "kafka.admin.ConfigCommand",
        "--entity-type",
        "topics",
        "--entity-name",
        topic,
        "--alter",
        "--add-config",
        `${name}=${value}`,
      );
    },
    offsetAt,
    async deleteRecords({ topic, partition }, before) {
      const path = await file({ partitions: [{ topic, partition, offset: before }], version: 1 });
      const text = await ask(`${tools}.DeleteRecordsCommand`, "--offset-json-file", path);
      return Number(/low_watermark: (\d+)/.exec(text)?.[1]);
    },
    async cluster() {
      const id = await run(`${tools}.ClusterTool`, ["cluster-id", "--bootstrap-server", bootstrap]);
      const nodes = await apiVersions();
      return {
        nodeIds: [...nodes.matchAll(/\(id: (\d+) /g)].map(([, one]) => Number(one)),
        clusterId: /Cluster ID: (\S+)/.exec(id)?.[1] ?? null,
      };
    },
    async logDirs({ topic, partition }) {
      const text = await ask(`${tools}.LogDirsCommand`, "--describe", "--topic-list", topic);
      const { brokers }: LogDirs = JSON.parse(text.split("\n").find((line) => line.startsWith("{")) ?? "");
      const sizes = brokers.map(({ broker, logDirs }) => {
        const partitions = logDirs.flatMap((one) => one.partitions).filter((one) => one.partition === `${topic}-${partition}`);
        return [broker, partitions.reduce((sum, { size }) => sum + size, 0)] as const;
      });
      return Object.fromEntries(sizes);
    },
    async apiVersions() {
      const text = await apiVersions();
      return Object.fromEntries(
        [...text.matchAll(/^\t(\w+)\(\d+\): (\d+)(?: to (\d+))? \[/gm)].map(([, name = "", min, max]) => [
          name,
          [Number(min), Number(max ?? min)],
        ]),
      );
    },
    async quorum() {
      const text = await run(`${tools}.MetadataQuorumCommand`, ["--bootstrap-server", bootstrap, "describe", "--status"]);
      const voters = /^CurrentVoters:\s+(.*)$/m.exec(text)?.[1] ?? "";
      const ids = /"id"/.test(voters) ? [...voters.matchAll(/"id": (\d+)/g)] : [...voters.matchAll(/(\d+)/g)];
      return { leaderId: Number(/^LeaderId:\s+(\d+)/m.exec(text)?.[1]), voters: ids.map(([, id]) => Number(id)) };
    },
    async reassign({ topic, partition }, replicas) {
      const path = await file({ version: 1, partitions: [{ topic, partition, replicas }] });
      await ask(`${tools}.reassign.ReassignPartitionsCommand`, "--reassignment-json-file", path, "--execute");
    },
    async electPreferred({ topic, partition }) {
      await ask(`${tools}.LeaderElectionCommand`, "--election-type", "preferred", "--topic", topic, "--partition", String(partition));
    },
    async verifiableProducer({ topic }, count, perSecond, acknowledged) {
      const values: string[] = [];
      const args = ["--bootstrap-server", bootstrap, "--topic", topic, "--max-messages", String(count), "--throughput", String(perSecond)];
      // It would try nothing twice; what fails would be of unknown outcome.
      const patient = await file("retries=2147483647\nenable.idempotence=true\ndelivery.timeout.ms=60000\nrequest.timeout.ms=10000\n");
      const more = ["--command-config", patient, "--message-create-time", "1767225600000"];
      const text = await run(`${tools}.VerifiableProducer`, [...args, ...more], {
        onLine(line) {
          const event: { name?: string; value?: string } = line.startsWith("{") ? JSON.parse(line) : {};
          if (event.name === "producer_send_success" && event.value !== undefined) acknowledged(values.push(event.value));
        },
      });
      const error = text.split("\n").find((line) => line.includes("producer_send_error"));
      if (error !== undefined) throw new Error(`VerifiableProducer: ${error}`);
      return values;
    },
    async performanceProducer({ topic }, payloads, count, codec) {
      const load = [
        "--topic",
        topic,
        "--num-records",
        String(count),
        "--throughput",
        "-1",
        "--payload-file",
        await file(payloads.join("\n")),
      ];
      const settings = [`bootstrap.servers=${bootstrap}`, "acks=all", `compression.type=${codec}`];
      const text = await run(`${tools}.ProducerPerformance`, [...load, "--command-property", ...settings]);
      return Number(/^(\d+) records sent, .* 99\.9th/m.exec(text)?.[1]);
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

interface LogDirs {
  readonly brokers: readonly {
    readonly broker: number;
    readonly logDirs: readonly { readonly partitions: readonly { readonly partition: string; readonly size: number }[] }[];
  }[];
}

async function* lines(records: AsyncIterable<Sent> | Iterable<Sent>): AsyncIterable<string> {
  for await (const { key, value, headers } of records) {
    const pairs = headers.map(([name, text]) => `${name}:${text}`).join(",");
    yield `${headers.length === 0 ? nothing : pairs}\t${key ?? nothing}\t${value ?? nothing}`;
  }
}

/** `CreateTime:1767225600000\tOffset:0\tname:value,name:value\tkey\tvalue` */
function stored(line: string): Stored {
  const [time = "", offset = "", headers = "", key = "", ...value] = line.split("\t");
  const text = (field: string): string | null => (field === nothing ? null : field);
  return {
    timestampMs: Number(time.replace("CreateTime:", "")),
    offset: Number(offset.replace("Offset:", "")),
    headers: headers === "NO_HEADERS" ? [] : headers.split(",").map((pair) => pairOf(pair)),
    key: text(key),
    value: text(value.join("\t")),
  };
}

function pairOf(text: string): readonly [string, string] {
  const at = text.indexOf(":");
  return [text.slice(0, at), text.slice(at + 1)];
}
