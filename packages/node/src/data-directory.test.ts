import { memoryHost } from "@ottla/host";
import { expect, test } from "vitest";
import { DataDirectory } from "./data-directory.ts";

const at = "/data";

async function write(disk: ReturnType<typeof memoryHost>["disk"], text: string): Promise<void> {
  await disk.makeDirectory(at);
  const file = await disk.open(`${at}/meta.properties`, "create");
  await file.write([new TextEncoder().encode(text)], 0);
  await file.close();
}

test("a directory remembers its node and its cluster", async () => {
  const { disk } = memoryHost();
  {
    await using directory = await DataDirectory.open(disk, at, 7);
    await directory.join("cluster-a");
  }
  await using again = await DataDirectory.open(disk, at, 7);
  await again.join("cluster-a");
  await expect(again.join("cluster-b")).rejects.toThrow("belongs to cluster cluster-a, this is cluster cluster-b; set another data.dir");
});

test("another node's directory is refused with both numbers and the setting, and can be opened by its own afterwards", async () => {
  const { disk } = memoryHost();
  await (await DataDirectory.open(disk, at, 7))[Symbol.asyncDispose]();
  await expect(DataDirectory.open(disk, at, 8)).rejects.toThrow("it belongs to node 7, this is node 8; set node.id=7 or another data.dir");
  await using own = await DataDirectory.open(disk, at, 7);
  expect(own.path).toBe(at);
});

test("a directory in use is refused", async () => {
  const { disk } = memoryHost();
  await using _first = await DataDirectory.open(disk, at, 1);
  await expect(DataDirectory.open(disk, at, 1)).rejects.toThrow("Cannot use data directory /data");
});

test("a newer format is refused by its number", async () => {
  const { disk } = memoryHost();
  await write(disk, "version=2\nnode.id=1\n");
  await expect(DataDirectory.open(disk, at, 1)).rejects.toThrow("its format is version 2, this Ottla reads up to 1");
});

test.each(["", "version=1\n", "version=one\nnode.id=1\n", "version=1\nnode.id=x\n"])(
  "a damaged meta.properties %j is named, not guessed at",
  async (text) => {
    const { disk } = memoryHost();
    await write(disk, text);
    await expect(DataDirectory.open(disk, at, 1)).rejects.toThrow("Cannot read /data/meta.properties: it is damaged");
  },
);
