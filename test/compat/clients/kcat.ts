import type { Client, Position, Session } from "../client.ts";
import type { Sent, Stored } from "../record.ts";
import { runTool } from "../rig/run-tool.ts";
import { whyNot } from "../rig/tools.ts";

const noSuchCommand = "kcat has no such command";

export const kcat: Client = {
  name: "kcat",
  version: "kcat 1.7.1 with librdkafka 2.0.2, Debian's package",
  whyNot: whyNot.kcat,
  open: async (bootstrap) => session(bootstrap),
  missing: {
    "produce-timestamps": "kcat cannot set timestamps",
    topics: noSuchCommand,
    partitions: noSuchCommand,
    "topic-configs": noSuchCommand,
    "broker-configs": noSuchCommand,
    "max-timestamp": noSuchCommand,
    "delete-records": noSuchCommand,
    "log-dirs": noSuchCommand,
    "api-versions": noSuchCommand,
    quorum: noSuchCommand,
    reassign: noSuchCommand,
    elect: noSuchCommand,
    verifiable: "a tool of Kafka's own",
    "verifiable-failover": "a tool of Kafka's own",
    performance: "a tool of Kafka's own",
  },
};

function session(bootstrap: string): Session {
  const run = (args: readonly string[], lines?: AsyncIterable<string> | Iterable<string>): Promise<string> =>
    runTool(["kcat", "-b", bootstrap, ...args], lines ? { lines } : {});
  const describe = async (): Promise<Listing> => JSON.parse(await run(["-L", "-J"]));
  return {
    async produce({ topic, partition }, records, { codec = "none", idempotent = false }) {
      const how = [
        "-z",
        codec,
        "-X",
        `enable.idempotence=${idempotent}`,
        "-X",
        "acks=all",
        "-X",
        "linger.ms=50",
        "-K",
        "\t",
        "-p",
        String(partition),
        "-t",
        topic,
      ];
      if (Symbol.asyncIterator in records) return void (await run(["-P", ...how], lines(records)));
      // Headers, and whether nothing means null, hold for a whole run of it.
      for (const { flags, part } of runs(records)) await run(["-P", ...flags, ...how], part.map(line));
    },
    async read({ topic, partition }, at, count) {
      const text = await run(["-C", "-q", "-J", "-t", topic, "-p", String(partition), "-o", position(at), "-c", String(count)]);
      return text.trim().split("\n").map(stored);
    },
    async offsetAt({ topic, partition }, at) {
      const time = typeof at === "object" ? at.timeMs : at === "earliest" ? -2 : -1;
      const text = await run(["-Q", "-t", `${topic}:${partition}:${time}`]);
      const offset = /offset (-?\d+)/.exec(text)?.[1];
      if (offset === undefined) throw new Error(`kcat -Q said ${text}`);
      return Number(offset);
    },
    listTopics: async () => (await describe()).topics.map(({ topic }) => topic),
    async describeTopic(wanted) {
      const found = (await describe()).topics.find(({ topic }) => topic === wanted);
      if (!found) throw new Error(`kcat -L does not list ${wanted}`);
      const ids = (ids: readonly { readonly id: number }[]): number[] => ids.map(({ id }) => id);
      return { partitions: found.partitions.map(({ leader, replicas, isrs }) => ({ leader, replicas: ids(replicas), inSync: ids(isrs) })) };
    },
    cluster: async () => ({ nodeIds: (await describe()).brokers.map(({ id }) => id), clusterId: null }),
    [Symbol.asyncDispose]: async () => {},
  };
}

interface Listing {
  readonly brokers: readonly { readonly id: number }[];
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly leader: number;
      readonly replicas: readonly { readonly id: number }[];
      readonly isrs: readonly { readonly id: number }[];
    }[];
  }[];
}

/** Without a tab there is no key. */
function line({ key, value }: Sent): string {
  return `${key === null ? "" : `${key}\t`}${value ?? ""}`;
}

async function* lines(records: AsyncIterable<Sent>): AsyncIterable<string> {
  for await (const record of records) yield line(record);
}

function* runs(records: Iterable<Sent>): Iterable<{ flags: string[]; part: Sent[] }> {
  let last: { flags: string[]; part: Sent[] } | undefined;
  for (const record of records) {
    const flags = record.headers.flatMap(([name, value]) => ["-H", `${name}=${value}`]);
    if (record.value === null) flags.push("-Z");
    if (last && last.flags.join("\0") === flags.join("\0")) last.part.push(record);
    else {
      if (last) yield last;
      last = { flags, part: [record] };
    }
  }
  if (last) yield last;
}

function position(at: Position): string {
  return "offset" in at ? String(at.offset) : `s@${at.timeMs}`;
}

function stored(text: string): Stored {
  const {
    offset,
    ts,
    key,
    payload,
    headers = [],
  }: { offset: number; ts: number; key: string | null; payload: string | null; headers?: string[] } = JSON.parse(text);
  const pairs = Array.from({ length: headers.length / 2 }, (_, at) => [headers[2 * at] ?? "", headers[2 * at + 1] ?? ""] as const);
  return { offset, timestampMs: ts, key, value: payload, headers: pairs };
}
