// The main job on real input: three nodes, real flights, the leader of the busiest partition killed in the middle, readers in other processes, and
// an account at the end.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Ottla } from "@ottla/client";
import { ClusterProcesses, type Site } from "../support/cluster-processes.ts";
import { freePort } from "../support/node-process.ts";
import { busiestPartition, leaderElsewhere } from "./leaders.ts";
import { compare, datedFlights, digests, type Flight, undatedFlights } from "./flights.ts";
import { readInOwnProcess, type ReadRecord } from "./reader.ts";
import { Writer } from "./writer.ts";

const rewindTo = "2001-03-01";
const killedReaderAfter = 60_000;

const { values: options } = parseArgs({ options: { sabotage: { type: "boolean", default: false }, "data-dir": { type: "string" } } });
const ownDirectory = options["data-dir"] === undefined;
const directory = options["data-dir"] ?? (await mkdtemp(join(tmpdir(), "ottla-demo-")));
const count = (number: number): string => Math.round(number).toLocaleString("en-US");

const dated = await datedFlights();
const undated = await undatedFlights();

const startedMs = performance.now();
// Where the documentation has them, unless something else is there.
const site = async (nodeId: number): Promise<Site> => {
  const [kafka, grpc] = [await freePort(8992 + 100 * nodeId), await freePort(8993 + 100 * nodeId)];
  return { host: "127.0.0.1", kafka, grpc, http: await freePort(), node: await freePort() };
};
const cluster = await ClusterProcesses.start({ directory, site });
const { bootstrap } = cluster;
console.log(
  `Three nodes are ready at ${bootstrap.join(",")} (for Kafka's clients ${cluster.kafkaBootstrap.join(",")}) after ${seconds(performance.now() - startedMs)}`,
);
await using ottla = new Ottla({ bootstrap, clientId: "demo" });
try {
  const admin = ottla.admin();
  await admin.createTopics([
    // Departures lie in 2001: with the default retention they would be removed at once.
    { name: "flights", partitions: 6, configs: { "retention.ms": "-1" } },
    { name: "flights-undated", partitions: 6 },
  ]);

  const writer = new Writer(ottla.producer());
  const producingMs = performance.now();
  await writer.write("flights", dated);
  const undatedMs = performance.now();
  let failover = { partition: -1, killed: -1, leader: -1, elsewhereMs: 0 };
  await writer.write("flights-undated", undated, async () => {
    const { partition, leader } = await busiestPartition(admin, "flights-undated");
    const inFlight = writer.inFlight;
    const killedMs = performance.now();
    await cluster.killNode(leader);
    const next = await leaderElsewhere(admin, "flights-undated", partition, leader);
    failover = { partition, killed: leader, leader: next, elsewhereMs: performance.now() - killedMs };
    console.log(
      `Killed node ${leader}, leader of the busiest partition (${partition}), with SIGKILL, ${count(inFlight)} sends in flight; node ${next} led it ${seconds(failover.elsewhereMs)} later`,
    );
  });
  const producedMs = performance.now() - producingMs;
  console.log(`The last ${count(undated.length)} took ${seconds(performance.now() - undatedMs)}; node ${failover.killed} is still down`);
  console.log(`${count(writer.acknowledged)} flights acknowledged, reading them back from other processes`);

  if (options.sabotage) {
    const [first] = await admin.listOffsets([{ topic: "flights", partition: 0, at: "earliest" }]);
    await admin.deleteRecords([{ topic: "flights", partition: 0, before: (first?.offset ?? 0) + 1 }]);
    console.log("Sabotage: one acknowledged record was dropped");
  }

  const readStartedMs = performance.now();
  const readDated = await readInOwnProcess(bootstrap, ["flights"]);
  const readUndated = await readInOwnProcess(bootstrap, ["flights-undated"]);
  const readMs = performance.now() - readStartedMs;
  const rewound = await readInOwnProcess(bootstrap, ["flights", "--from", rewindTo]);
  const committed = async (): Promise<number> => (await admin.fetchGroupOffsets("demo")).reduce((sum, { offset }) => sum + offset, 0);
  const untilCommitted = async (): Promise<void> => {
    const deadlineMs = performance.now() + 30_000;
    while ((await committed()) === 0) {
      if (performance.now() > deadlineMs) throw new Error("The reader in group demo committed nothing within 30 s");
      await delay(20);
    }
  };
  const beforeKill = await readInOwnProcess(bootstrap, ["flights-undated", "--group", "demo"], {
    after: killedReaderAfter,
    until: untilCommitted,
  });
  const resumedAt = await committed();
  const afterKill = await readInOwnProcess(bootstrap, ["flights-undated", "--group", "demo"]);

  process.exitCode = account({
    faults: [check("flights", dated, readDated), check("flights-undated", undated, readUndated)],
    wrongKeys: wrongKeys(dated, readDated),
    rewound: { found: rewound.length, expected: dated.filter(({ timestamp }) => (timestamp ?? 0) >= Date.parse(rewindTo)).length },
    resumed: {
      at: resumedAt,
      first: beforeKill.length,
      second: afterKill.length,
      distinct: new Set([...beforeKill, ...afterKill].map(({ partition, offset }) => `${partition}@${offset}`)).size,
    },
    sent: writer.sent,
    acknowledged: writer.acknowledged,
    read: readDated.length + readUndated.length,
    producedPerSecond: (writer.acknowledged * 1000) / producedMs,
    readPerSecond: ((readDated.length + readUndated.length) * 1000) / readMs,
    failover,
    longestGapMs: writer.longestGapMs,
  });
} finally {
  await ottla.close();
  await cluster.stop();
  if (ownDirectory) await rm(directory, { recursive: true, force: true });
}

function check(topic: string, sent: readonly Flight[], read: readonly ReadRecord[]): { topic: string; lost: number; doubled: number } {
  return { topic, ...compare(sent, read) };
}

function wrongKeys(sent: readonly Flight[], read: readonly ReadRecord[]): string[] {
  const expected = digests(sent);
  const found = digests(read);
  return [...new Set([...expected.keys(), ...found.keys()])].filter((key) => expected.get(key) !== found.get(key));
}

interface Account {
  readonly faults: readonly { topic: string; lost: number; doubled: number }[];
  readonly wrongKeys: readonly string[];
  readonly rewound: { found: number; expected: number };
  readonly resumed: { at: number; first: number; second: number; distinct: number };
  readonly sent: number;
  readonly acknowledged: number;
  readonly read: number;
  readonly producedPerSecond: number;
  readonly readPerSecond: number;
  readonly failover: { partition: number; killed: number; leader: number; elsewhereMs: number };
  readonly longestGapMs: number;
}

/** @returns the exit code */
function account(result: Account): number {
  const lost = result.faults.reduce((sum, fault) => sum + fault.lost, 0);
  const doubled = result.faults.reduce((sum, fault) => sum + fault.doubled, 0);
  const { rewound, resumed, failover } = result;
  const complete = resumed.distinct === undated.length;
  const right =
    lost === 0 && doubled === 0 && result.wrongKeys.length === 0 && rewound.found === rewound.expected && complete && resumed.at > 0;
  console.log(`
  sent           ${count(result.sent)}
  acknowledged   ${count(result.acknowledged)}
  read           ${count(result.read)}
  lost           ${count(lost)}
  doubled        ${count(doubled)}
  digests        ${result.wrongKeys.length === 0 ? `equal for each of ${digests(dated).size} airports` : `differ for ${result.wrongKeys.join(", ")}`}
  rewound        ${count(rewound.found)} flights from ${rewindTo} on, ${rewound.found === rewound.expected ? "as in the file" : `the file has ${count(rewound.expected)}`}
  resumed        a reader killed after ${count(resumed.first)} went on at its committed ${count(resumed.at)}, ${complete ? "none missed" : `${count(undated.length - resumed.distinct)} missed`}
  produced       ${count(result.producedPerSecond)} records/s, on the disks of at least two nodes before each acknowledgement
  consumed       ${count(result.readPerSecond)} records/s, printed as JSON by another process
  longest gap    ${seconds(result.longestGapMs)} without an acknowledgement, the killed leader in it
  leads now      node ${failover.leader}, in place of node ${failover.killed}
`);
  return right ? 0 : 1;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
