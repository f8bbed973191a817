import { kafka } from "@ottla/protocol";
import { usage } from "../../../bench/support/process-usage.ts";
import { NodeProcess } from "../../../scripts/support/node-process.ts";
import { KafkaWire } from "../../compat/rig/wire.ts";
import { drawOf } from "../draw.ts";
import { Attacker, type End } from "./attacker.ts";
import { caseOf, type Kind, kinds } from "./cases.ts";
import { Nuisances } from "./nuisances.ts";
import { seedsFor } from "./seeds.ts";
import { ServedClient } from "./served.ts";

const name = "kafka frames";

export interface KafkaFuzz {
  readonly seed: number;
  /** From the number of the first case to behind the last. */
  readonly from: number;
  readonly until: number;
  readonly dataDir: string;
  readonly lanes: number;
  progress(done: number, line: string): void;
}

export interface KafkaFuzzOutcome {
  readonly cases: Readonly<Record<Kind, Readonly<Record<End, number>>>>;
  readonly connections: number;
  readonly served: { readonly rounds: number; readonly longestMs: number };
  readonly floodedBytes: number;
  readonly thrownOut: number;
  /** Of the node: after the first tenth of the cases, at the most afterwards, and at the end. */
  readonly rssBytes: { readonly early: number; readonly most: number; readonly end: number };
  readonly elapsedMs: number;
}

/** Malformed frames against a node in a process of its own. Rejects when it ends, answers what nobody can read, or leaves others without an answer. */
export async function fuzzKafka({ seed, from, until, dataDir, lanes, progress }: KafkaFuzz): Promise<KafkaFuzzOutcome> {
  await using node = await NodeProcess.start({
    dataDir,
    // What is written by accident shall not fill the disk.
    settings: { "grpc.listeners": "127.0.0.1:0", "log.retention.bytes": String(64 * 2 ** 20), "log.segment.bytes": String(16 * 2 ** 20) },
  });
  const [address = ""] = node.kafkaBootstrap;
  const [host = "", port = ""] = address.split(":");
  const topicId = await createTopics(address, ["fuzz", "served"]);
  const seeds = seedsFor("fuzz", topicId);
  const served = new ServedClient(address, "served");
  const nuisances = new Nuisances(host, Number(port), "fuzz");
  const counts = Object.fromEntries(kinds.map((kind) => [kind, { answered: 0, closed: 0, waited: 0 }])) as Record<
    Kind,
    Record<End, number>
  >;
  const rss = { early: 0, most: 0, end: 0 };
  const startedMs = performance.now();
  let next = from;
  let done = 0;
  const look = async (): Promise<void> => {
    const { rssBytes } = await usage(node.pid);
    if (done >= (until - from) / 10 && rss.early === 0) rss.early = rssBytes;
    rss.most = Math.max(rss.most, rssBytes);
    rss.end = rssBytes;
  };
  const lane = async (): Promise<number> => {
    const attacker = new Attacker(host, Number(port));
    try {
      while (next < until && !served.hasEnded) {
        const index = next;
        next += 1;
        const one = caseOf(seeds, drawOf(seed, name, index));
        try {
          counts[one.kind][await attacker.run(one)] += 1;
        } catch (error) {
          const bytes = Buffer.from(one.bytes.subarray(0, 2048)).toString("hex");
          throw new Error(`Case ${index} (${one.kind}), again: npm run test:fuzz:kafka -- --seed ${seed} --case ${index}\n${bytes}`, {
            cause: error,
          });
        }
        done += 1;
        const count = done;
        if (count % 1000 === 0) {
          await look();
          progress(
            count,
            `${count} cases, ${Math.round((count * 1000) / (performance.now() - startedMs))}/s, ${Math.round(rss.end / 2 ** 20)} MiB`,
          );
        }
      }
      return attacker.connections;
    } finally {
      attacker.close();
    }
  };
  try {
    const connections = await Promise.all(Array.from({ length: lanes }, lane));
    await look();
    await served.stop();
    if (node.hasEnded) throw new Error(`The node ended:\n${node.errors}`);
    return {
      cases: counts,
      connections: connections.reduce((sum, one) => sum + one, 0),
      served: { rounds: served.rounds, longestMs: served.longestMs },
      floodedBytes: nuisances.floodedBytes,
      thrownOut: nuisances.thrownOut,
      rssBytes: rss,
      elapsedMs: performance.now() - startedMs,
    };
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\nThe node said:\n${node.errors}`, { cause: error });
  } finally {
    nuisances.stop();
  }
}

/** @returns the id of the first */
async function createTopics(address: string, names: readonly string[]) {
  await using wire = await KafkaWire.connect(address);
  const created = await wire.ask(kafka.apis.createTopics, 7, {
    topics: names.map((topic) => ({ name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] })),
    timeoutMs: 10_000,
  });
  const [first] = created.topics;
  if (!first || created.topics.some(({ errorCode }) => errorCode !== 0)) throw new Error(`Topics: ${JSON.stringify(created)}`);
  return first.topicId;
}
