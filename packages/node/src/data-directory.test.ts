import { memoryHost, silentLogger, type Logger } from "@ottla/host";
import { expect, test } from "vitest";
import { DataDirectory } from "./data-directory.ts";

const at = "/data";
const file = `${at}/meta.properties`;
const copy = `${file}.copy`;
type Disk = ReturnType<typeof memoryHost>["disk"];

const open = (disk: Disk, nodeId: number, logger: Logger = silentLogger): Promise<DataDirectory> =>
  DataDirectory.open(disk, at, nodeId, logger);

async function write(disk: Disk, bytes: string | Uint8Array, path = file): Promise<void> {
  await disk.makeDirectory(at);
  const opened = await disk.open(path, "create");
  await opened.truncate(0);
  await opened.write([typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes], 0);
  await opened.close();
}

async function read(disk: Disk, path: string): Promise<Uint8Array> {
  const opened = await disk.open(path, "read");
  const bytes = new Uint8Array(await opened.size());
  await opened.read(bytes, 0);
  await opened.close();
  return bytes;
}

async function used(disk: Disk): Promise<void> {
  await using directory = await open(disk, 7);
  await directory.join("cluster-a");
}

test("a directory remembers its node and its cluster", async () => {
  const { disk } = memoryHost();
  await used(disk);
  await using again = await open(disk, 7);
  await again.join("cluster-a");
  await expect(again.join("cluster-b")).rejects.toThrow("belongs to cluster cluster-a, this is cluster cluster-b; set another data.dir");
});

test("another node's directory is refused with both numbers and the setting, and can be opened by its own afterwards", async () => {
  const { disk } = memoryHost();
  await used(disk);
  await expect(open(disk, 8)).rejects.toThrow("it belongs to node 7, this is node 8; set node.id=7 or another data.dir");
  await using own = await open(disk, 7);
  expect(own.path).toBe(at);
});

test("a directory in use is refused", async () => {
  const { disk } = memoryHost();
  await using _first = await open(disk, 1);
  await expect(open(disk, 1)).rejects.toThrow("Cannot use data directory /data");
});

test("a newer format is refused by its number, whichever copy has it", async () => {
  for (const path of [file, copy]) {
    const { disk } = memoryHost();
    await used(disk);
    await write(disk, "version=2\nnode.id=7\n", path);
    await expect(open(disk, 7)).rejects.toThrow("its format is version 2, this Ottla reads up to 1");
  }
});

test.each([
  "",
  "version=1\n",
  "version=one\nnode.id=1\n",
  "version=1\nnode.id=x\n",
  "version=1\nnode.id=\n",
  "version=1\nnode.id=1\ncrc=00000000\n",
])("when neither copy can be believed, both are named, and nothing is guessed: %j", async (text) => {
  const { disk } = memoryHost();
  await write(disk, text);
  await expect(open(disk, 1)).rejects.toThrow("Cannot read /data/meta.properties and /data/meta.properties.copy: both are damaged");
});

test("one written by hand, without a checksum, counts", async () => {
  const { disk } = memoryHost();
  await write(disk, "# after the fire\nversion=1\nnode.id=7\ncluster.id=cluster-a\n");
  await using directory = await open(disk, 7);
  expect(directory.clusterId).toBe("cluster-a");
});

test.each([file, copy])("whichever bit of %s flips, the other copy tells, and both are whole again", async (path) => {
  const { disk } = memoryHost();
  await used(disk);
  const whole = await read(disk, path);
  for (let bit = 0; bit < whole.length * 8; bit += 1) {
    const flipped = whole.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    await write(disk, flipped, path);
    await using directory = await open(disk, 7);
    expect(directory.clusterId, `bit ${bit}`).toBe("cluster-a");
  }
  await write(
    disk,
    whole.map((byte) => byte ^ 1),
    path,
  );
  const told: string[] = [];
  await (await open(disk, 7, { ...silentLogger, warn: (_: object, text: string) => told.push(text) }))[Symbol.asyncDispose]();
  expect(told).toEqual([`${path} is damaged: written anew from what its twin says`]);
  expect(await read(disk, path)).toEqual(whole);
});

test.each([file, copy])("%s may be gone", async (path) => {
  const { disk } = memoryHost();
  await used(disk);
  const whole = await read(disk, path);
  await disk.remove(path);
  await using directory = await open(disk, 7);
  expect(directory.clusterId).toBe("cluster-a");
  expect(await read(disk, path)).toEqual(whole);
});

test("of two that differ, as a power failure between them leaves it, the first is the newer one", async () => {
  const { disk } = memoryHost();
  await (await open(disk, 7))[Symbol.asyncDispose]();
  const before = await read(disk, copy);
  await used(disk);
  await write(disk, before, copy);
  await using directory = await open(disk, 7);
  expect(directory.clusterId).toBe("cluster-a");
  expect(await read(disk, copy)).toEqual(await read(disk, file));
});
