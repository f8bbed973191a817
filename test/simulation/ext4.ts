import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { freePort, NodeProcess } from "../../scripts/support/node-process.ts";
import { seeded } from "../../scripts/support/seeded.ts";
import { check } from "@ottla/simulator";
import type { Anomaly } from "@ottla/simulator";
import { Load } from "../fault/load.ts";
import { Ext4Image } from "./ext4-image.ts";
import { SABOTAGES } from "./played-load.ts";

const topic = "powerloss";
const partitions = 4;
const imageBytes = 512 << 20;
/** Of the whole run; what hangs must not hold the machine. */
const limitMs = 240_000;

const { values } = parseArgs({
  options: { cuts: { type: "string", default: "20" }, seed: { type: "string" }, sabotage: { type: "string" } },
});
const cuts = Number(values.cuts);
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
const sabotage = SABOTAGES.find((name) => name === values.sabotage);
if (values.sabotage !== undefined && sabotage === undefined) {
  console.error(`--sabotage ${values.sabotage}: choose one of ${SABOTAGES.join(", ")}`);
  process.exit(2);
}

/** The one that runs at present: whatever ends the run ends it, or the image could not be unmounted. */
let node: NodeProcess | null = null;

/** What the node's disk loses is lost as on a real machine; what is acknowledged must not be among it. */
async function cutAgainAndAgain(image: Ext4Image): Promise<{ load: Load; anomalies: Anomaly[] }> {
  const random = seeded(seed);
  const env =
    sabotage === undefined
      ? {}
      : { NODE_OPTIONS: `--require ${fileURLToPath(new URL("broken-sync.cjs", import.meta.url))}`, BROKEN_SYNC: sabotage };
  const settings = { "grpc.listeners": `127.0.0.1:${await freePort()}`, "log.segment.bytes": String(256 * 1024) };
  const options = { dataDir: join(image.mountPoint, "data"), settings, env };
  node = await NodeProcess.start(options);
  const load = new Load(node.bootstrap, topic, partitions);
  await load.ottla.admin().createTopic({ name: topic, partitions });
  load.start(2, 200);
  for (let cut = 1; cut <= cuts; cut += 1) {
    await load.progress(1 + random(2_000));
    const { inFlight } = load;
    await image.cutPower();
    const { acknowledged } = load;
    await node.kill();
    await image.unmount();
    await image.mount();
    node = await NodeProcess.start(options);
    console.log(
      `cut ${cut}/${cuts}: ${inFlight} sends in flight, ${acknowledged} acknowledged before, ready again after ${(node.startMs / 1000).toFixed(2)} s`,
    );
    // A broken build loses what the load itself needs to go on, so it is looked at while it runs.
    const losses = sabotage === undefined ? [] : await lossesSoFar(load);
    if (losses.length > 0) return { load, anomalies: losses };
  }
  await load.progress(1);
  await load.stop();
  return { load, anomalies: check(load.events, await load.drain()) };
}

async function main(): Promise<number> {
  const made = await Ext4Image.make(join(tmpdir(), `ottla-ext4-${process.pid}`), imageBytes).catch((error: unknown) =>
    error instanceof Error ? error : new Error(String(error)),
  );
  if (made instanceof Error) {
    console.log(`SKIPPED: power loss on ext4 needs root, loop devices, mkfs.ext4, mount and python3; here: ${made.message.trim()}`);
    return 0;
  }
  await using image = made;
  console.log(`${cuts} power cuts of an ext4 image, seed ${seed}${sabotage === undefined ? "" : `, sabotaged: ${sabotage}`}`);
  const { load, anomalies } = await endingNode(bounded(cutAgainAndAgain(image)));
  const count = (kind: string): number => anomalies.filter((anomaly) => anomaly.kind === kind).length;
  const unknown = load.events.filter((event) => event.kind === "send" && event.outcome === "unknown").length;
  console.log(
    `${load.acknowledged} records acknowledged, ${unknown} of unknown outcome: lost ${count("lost")}, doubled ${count("doubled")}, ${anomalies.length} anomalies in all`,
  );
  for (const { kind, text } of anomalies.slice(0, 10)) console.log(`${kind}: ${text}`);
  return anomalies.length === 0 ? 0 : 1;
}

async function lossesSoFar(load: Load): Promise<Anomaly[]> {
  const events = [...load.events];
  try {
    const drains = await load.drain();
    return check(events, drains).filter(({ kind }) => kind === "lost" || kind === "doubled" || kind === "inconsistent");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return events.flatMap((event) =>
      event.kind === "send" && event.outcome === "ok" ? [{ kind: "lost" as const, text: `${event.value}: ${why}` }] : [],
    );
  }
}

async function endingNode<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } finally {
    await node?.kill();
  }
}

/** Ends with the work, with the time, or when somebody stops it: in each case what was mounted is unmounted. */
function bounded<T>(work: Promise<T>): Promise<T> {
  const ended = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`The run was not over after ${limitMs / 1000} s`)), limitMs).unref();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => reject(new Error(`Stopped by ${signal}`)));
  });
  return Promise.race([work, ended]);
}

// A run that was stopped leaves a client behind that goes on trying.
process.exit(
  await main().catch((error: unknown) => {
    console.error(error);
    return 1;
  }),
);
