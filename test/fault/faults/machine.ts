import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { allInSync } from "../ground/in-sync.ts";
import type { Ottla } from "@ottla/client";
import type { Shim, Trouble } from "../ground/shim.ts";
import type { Fault, Scene } from "./fault.ts";

const run = promisify(execFile);
const MENDED_WITHIN_MS = 60_000;

function shimOf({ ground: { shim } }: Scene): Shim {
  if (!shim) throw new Error("This machine has no compiler for the shim");
  return shim;
}

/** @returns how long it lasted, for people */
async function during(scene: Scene, trouble: Trouble, longestMs: number): Promise<string> {
  const ms = 1_000 + scene.random(longestMs - 1_000);
  await scene.load.someInFlight();
  await shimOf(scene).set(scene.victim, trouble);
  try {
    await delay(ms);
  } finally {
    await shimOf(scene).set(scene.victim);
  }
  return `${(ms / 1000).toFixed(1)} s`;
}

/** One record to each partition of a new topic. @returns what came of it, for people */
async function writeFirst(ottla: Ottla, topic: string, withinMs: number): Promise<string> {
  await ottla
    .admin()
    .createTopic({ name: topic, partitions: 6, replicationFactor: 3 })
    .catch(() => {});
  await using producer = ottla.producer({ lingerMs: 0, deliveryTimeoutMs: withinMs });
  const sends = await Promise.allSettled([0, 1, 2, 3, 4, 5].map((partition) => producer.send(topic, { value: "first", partition })));
  return `${sends.filter(({ status }) => status === "fulfilled").length} of 6 new logs took a record meanwhile`;
}

function failing(name: string, what: string, trouble: Trouble): Fault {
  return {
    name,
    needs: "shim",
    mayEnd: true,
    async happen(scene) {
      return `${what} of node ${scene.victim} failed with EIO for ${await during(scene, trouble, 6_000)}`;
    },
  };
}

/** The machine under a node misbehaves while the node runs on it. */
export const machineFaults: readonly Fault[] = [
  {
    name: "clock-jump",
    needs: "shim",
    async happen(scene) {
      const { victim, random } = scene;
      const seconds = (random(2) === 0 ? -1 : 1) * (1 + random(3_600));
      const lasted = await during(scene, { wallOffsetMs: seconds * 1000 }, 10_000);
      return `wall clock of node ${victim} ${seconds} s off for ${lasted}, and back`;
    },
  },
  {
    name: "slow-disk",
    needs: "shim",
    async happen(scene) {
      const { victim, random } = scene;
      const ms = 1 + random(random(2) === 0 ? 50 : 2_000);
      const lasted = await during(scene, { writeDelayMs: Math.min(ms, 20), syncDelayMs: ms }, 10_000);
      return `syncs of node ${victim} took ${ms} ms more for ${lasted}`;
    },
  },
  failing("failing-writes", "writes", { writeFails: "EIO" }),
  failing("failing-syncs", "syncs", { syncFails: "EIO" }),
  {
    name: "dead-disk",
    needs: "disks",
    mayEnd: true,
    async happen(scene) {
      const { ground, victim, load, random } = scene;
      const { disks, cluster } = ground;
      if (!disks) throw new Error("This machine gives no ext4 images");
      await load.someInFlight();
      await disks.cutPower(victim);
      const ms = 1_000 + random(5_000);
      await delay(ms);
      const ended = cluster.node(victim).hasEnded;
      await cluster.killNode(victim);
      await disks.restore(victim);
      await cluster.startNode(victim);
      return `disk of node ${victim} dead for ${(ms / 1000).toFixed(1)} s, its process ${ended ? "had ended" : "still ran"}`;
    },
  },
  {
    name: "few-files",
    async happen({ ground: { cluster }, random, victim, load, ottla }) {
      const { pid } = cluster.node(victim);
      const open = (await readdir(`/proc/${pid}/fd`)).length;
      // Anything between a few more and none at all, however many it closes.
      const allowed = 1 + random(open + 4);
      const ms = 1_000 + random(6_000);
      await load.someInFlight();
      const { stdout } = await run("prlimit", ["--pid", String(pid), "--nofile", "--output", "SOFT", "--noheadings", "--raw"]);
      await run("prlimit", ["--pid", String(pid), `--nofile=${allowed}:`]);
      // What runs needs no more files; the first records of new logs do.
      const topic = `files-${random(1_000_000)}`;
      const taken = writeFirst(ottla, topic, ms);
      await delay(ms);
      // Unless it has ended meanwhile.
      if (!cluster.node(victim).hasEnded) await run("prlimit", ["--pid", String(pid), `--nofile=${stdout.trim()}:`]);
      const ended = cluster.node(victim).hasEnded ? ", which ended it" : "";
      await cluster.reviveIfEnded(victim);
      await allInSync(ottla, 3, MENDED_WITHIN_MS);
      await ottla
        .admin()
        .deleteTopics([topic])
        .catch(() => {}); // if it was made at all
      return `node ${victim} with ${open} files open was allowed ${allowed} for ${(ms / 1000).toFixed(1)} s${ended}; ${await taken}`;
    },
    mayEnd: true,
  },
  {
    name: "little-memory",
    needs: "memory",
    mayEnd: true,
    async happen({ ground: { cluster, memory }, random, victim, load }) {
      if (!memory) throw new Error("This machine gives no memory cgroups");
      await load.someInFlight();
      const spare = random(4 << 20);
      const ms = 1_000 + random(6_000);
      const bytes = await memory.press(victim, spare);
      await delay(ms);
      const ended = cluster.node(victim).hasEnded;
      await memory.release(victim);
      return `node ${victim} pressed into ${bytes >> 20} MiB, ${spare >> 10} KiB above what it held, for ${(ms / 1000).toFixed(1)} s${ended ? ", which ended it" : ""}`;
    },
  },
];
