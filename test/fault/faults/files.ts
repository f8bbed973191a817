import { cp, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Disks } from "../ground/disks.ts";
import type { Fault, Scene } from "./fault.ts";

function disksOf({ ground: { disks } }: Scene): Disks {
  if (!disks) throw new Error("This machine gives no ext4 images");
  return disks;
}

/** The largest segments of partitions. */
async function segments(dataDir: string): Promise<string[]> {
  const log = join(dataDir, "log");
  const files = (await readdir(log, { recursive: true })).filter((name) => name.endsWith(".log")).map((name) => join(log, name));
  const sized = await Promise.all(files.map(async (path) => ({ path, size: (await stat(path)).size })));
  return sized
    .filter(({ size }) => size > 0)
    .sort((a, b) => b.size - a.size)
    .map(({ path }) => path);
}

/** Of one kind, so that the many files of a checkpoint do not hide the one of the vote. */
async function controllerFiles(directory: string, { random }: Scene): Promise<string[]> {
  const names = (await readdir(directory, { recursive: true })).toSorted();
  const kinds = ["raft/", "vote", "checkpoint-"].filter((kind) => names.some((name) => name.startsWith(kind)));
  const kind = kinds[random(kinds.length)];
  const files = names.filter((name) => kind !== undefined && name.startsWith(kind)).map((name) => join(directory, name));
  const statuses = await Promise.all(files.map((path) => stat(path)));
  return files.filter((_, at) => statuses[at]?.isFile() === true && statuses[at].size > 0);
}

async function flipBit(path: string, { random }: Scene): Promise<void> {
  const { size } = await stat(path);
  const at = random(size);
  const file = await open(path, "r+");
  const byte = new Uint8Array(1);
  await file.read(byte, 0, 1, at);
  byte[0] = (byte[0] ?? 0) ^ (1 << random(8));
  await file.write(byte, 0, 1, at);
  await file.close();
}

async function whileDown({ ground: { cluster }, victim, load }: Scene, work: (dataDir: string) => Promise<string>): Promise<string> {
  await load.someInFlight();
  await cluster.killNode(victim);
  try {
    return await work(cluster.dataDir(victim));
  } finally {
    await cluster.startNode(victim);
  }
}

export const fileFaults: readonly Fault[] = [
  {
    name: "disk-full",
    needs: "disks",
    mayEnd: true,
    async happen(scene) {
      const { victim, random } = scene;
      const disks = disksOf(scene);
      const leave = random(2) === 0 ? 0 : random(4 << 20);
      const ms = 2_000 + random(8_000);
      await disks.fill(victim, leave);
      await delay(ms);
      await disks.free(victim);
      return `disk of node ${victim} had ${leave} bytes left for ${(ms / 1000).toFixed(1)} s`;
    },
  },
  {
    name: "power-cut",
    needs: "disks",
    async happen(scene) {
      const { victim, ground, load, random } = scene;
      await load.someInFlight();
      await disksOf(scene).cutPower(victim);
      await ground.cluster.killNode(victim);
      await disksOf(scene).restore(victim);
      await delay(random(2_000));
      await ground.cluster.startNode(victim);
      return `power of node ${victim} cut, its disk as it was synced`;
    },
  },
  {
    name: "power-cut-all",
    needs: "disks",
    alone: true,
    async happen(scene) {
      const { ground, load } = scene;
      const disks = disksOf(scene);
      await load.someInFlight();
      await Promise.all(ground.cluster.nodeIds.map((nodeId) => disks.cutPower(nodeId)));
      await Promise.all(ground.cluster.nodeIds.map((nodeId) => ground.cluster.killNode(nodeId)));
      for (const nodeId of ground.cluster.nodeIds) await disks.restore(nodeId);
      await Promise.all(ground.cluster.nodeIds.map((nodeId) => ground.cluster.startNode(nodeId)));
      return "power of all nodes cut at once, their disks as they were synced";
    },
  },
  {
    name: "torn-tail",
    destroys: true,
    happen: (scene) =>
      whileDown(scene, async (dataDir) => {
        const [path] = await segments(dataDir);
        if (path === undefined) return `node ${scene.victim} has nothing to tear`;
        const { size } = await stat(path);
        const torn = Math.min(size, 1 + scene.random(64 << 10));
        const file = await open(path, "r+");
        await file.write(new Uint8Array(torn).fill(0x5a), 0, torn, size - torn);
        await file.truncate(size - scene.random(torn));
        await file.close();
        return `the last ${torn} bytes of a segment of node ${scene.victim} torn while it was down`;
      }),
  },
  {
    name: "flipped-bit",
    destroys: true,
    happen: (scene) =>
      whileDown(scene, async (dataDir) => {
        const all = await segments(dataDir);
        const path = all[scene.random(Math.max(1, all.length))];
        if (path === undefined) return `node ${scene.victim} has nothing to flip`;
        await flipBit(path, scene);
        return `a bit flipped in a segment of node ${scene.victim} while it was down`;
      }),
  },
  {
    name: "flipped-controller-bit",
    destroys: true,
    happen: (scene) =>
      whileDown(scene, async (dataDir) => {
        const files = await controllerFiles(join(dataDir, "controller"), scene);
        const path = files[scene.random(Math.max(1, files.length))];
        if (path === undefined) throw new Error(`Node ${scene.victim} has no controller files in ${dataDir}`);
        await flipBit(path, scene);
        return `a bit flipped in ${relative(dataDir, path)} of node ${scene.victim} while it was down`;
      }),
  },
  {
    name: "stale-disk",
    destroys: true,
    async happen(scene) {
      const { ground, load, victim } = scene;
      const dataDir = ground.cluster.dataDir(victim);
      const copy = `${dataDir}.copy`;
      await whileDown(scene, async () => {
        await cp(dataDir, copy, { recursive: true });
        return "";
      });
      await load.progress(500);
      return whileDown(scene, async () => {
        await rm(dataDir, { recursive: true, force: true });
        await rename(copy, dataDir);
        return `node ${victim} came back with an old copy of its disk`;
      });
    },
  },
  {
    name: "emptied-disk",
    destroys: true,
    happen: (scene) =>
      whileDown(scene, async (dataDir) => {
        await rm(dataDir, { recursive: true, force: true });
        return `data directory of node ${scene.victim} emptied while it was down`;
      }),
  },
];
