import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { diskContract } from "../../contract/disk-contract.ts";
import { temporaryDirectory } from "../../contract/temporary-directory.ts";
import { NodeDisk } from "./node-disk.ts";

const root = temporaryDirectory();
const open = async (): Promise<{ disk: NodeDisk; directory: string }> => ({ disk: new NodeDisk(), directory: await mkdtemp(`${root}/`) });

diskContract("real", open);

test("the lock of a process that died is taken over, by one of many", async () => {
  const { disk, directory } = await open();
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  await writeFile(`${directory}/.lock`, `${child.pid} 1 some-boot`);
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => disk.lock(directory)));
  expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1);
  for (const outcome of outcomes) if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "EBUSY" });
  expect(await readdir(directory)).toEqual([".lock"]);
  expect(await readFile(`${directory}/.lock`, "utf8")).toMatch(new RegExp(`^${process.pid} `));
});

test("the lock of another process with the pid of a living one is taken over", async () => {
  const { disk, directory } = await open();
  await writeFile(`${directory}/.lock`, `${process.ppid} 12345 another-boot`);
  await (await disk.lock(directory)).release();
  expect(await readdir(directory)).toEqual([]);
});

test("a lock file that a power failure emptied is nobody's", async () => {
  const { disk, directory } = await open();
  await writeFile(`${directory}/.lock`, "");
  await (await disk.lock(directory)).release();
});

test("a takeover that died half-way is itself taken over", async () => {
  const { disk, directory } = await open();
  await writeFile(`${directory}/.lock`, "999999991 1 b");
  await writeFile(`${directory}/.lock.after-999999991-1-b`, "999999992 1 b");
  await (await disk.lock(directory)).release();
  expect(await readdir(directory)).toEqual([]);
});

test("another live process is named by its pid", async () => {
  const { disk, directory } = await open();
  const stat = await readFile(`/proc/${process.ppid}/stat`, "utf8");
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
  await writeFile(`${directory}/.lock`, `${process.ppid} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]} ${boot.trim()}`);
  await expect(disk.lock(directory)).rejects.toThrow(`process ${process.ppid} holds it`);
});
