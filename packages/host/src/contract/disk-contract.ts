import { describe, expect, test } from "vitest";
import type { Disk, DiskFile } from "../disk.ts";

/** What every Disk owes its users. `open` gives a disk and an empty directory on it. */
export function diskContract(name: string, open: () => Promise<{ disk: Disk; directory: string }>): void {
  async function content(file: DiskFile): Promise<string> {
    const bytes = new Uint8Array(await file.size());
    expect(await file.read(bytes, 0)).toBe(bytes.byteLength);
    return new TextDecoder().decode(bytes);
  }

  describe(`a disk (${name})`, () => {
    test("reads back what was written at positions, in parts, over and beyond what was there", async () => {
      const { disk, directory } = await open();
      const file = await disk.open(`${directory}/a`, "create-new");
      await file.write([text("hello "), text(""), text("world")], 0);
      await file.write([text("W")], 6);
      await file.write([text("!")], 12);
      expect(await content(file)).toBe("hello World\0!");
      const into = new Uint8Array(10).fill(1);
      expect(await file.read(into, 8)).toBe(5);
      expect([...into.subarray(4)]).toEqual([33, 1, 1, 1, 1, 1]);
      expect(await file.read(into, 100)).toBe(0);
      await file.sync();
      await file.close();
    });

    test("writes thousands of parts and large ones whole", async () => {
      const { disk, directory } = await open();
      const file = await disk.open(`${directory}/many`, "create");
      const parts = Array.from({ length: 3000 }, (_, index) => new Uint8Array([index & 0xff, index >> 8]));
      await file.write(parts, 1);
      const large = [new Uint8Array(3 << 20).fill(1), new Uint8Array(3 << 20).fill(2)];
      await file.write(large, 6001);
      const bytes = new Uint8Array(6001 + (6 << 20));
      expect(await file.size()).toBe(bytes.byteLength);
      await file.read(bytes, 0);
      expect(Buffer.from(bytes).equals(Buffer.concat([new Uint8Array(1), ...parts, ...large]))).toBe(true);
      await file.close();
    });

    test("keeps its own copy of what it was given", async () => {
      const { disk, directory } = await open();
      const file = await disk.open(`${directory}/a`, "create");
      const bytes = text("before");
      await file.write([bytes], 0);
      bytes.fill(0);
      expect(await content(file)).toBe("before");
      await file.close();
    });

    test("truncates and extends with zeros", async () => {
      const { disk, directory } = await open();
      const file = await disk.open(`${directory}/a`, "create");
      await file.write([text("abcdef")], 0);
      await file.truncate(2);
      await file.truncate(4);
      expect(await content(file)).toBe("ab\0\0");
      await file.close();
    });

    test("opens by mode", async () => {
      const { disk, directory } = await open();
      const path = `${directory}/a`;
      await expect(disk.open(path, "read")).rejects.toMatchObject({ code: "ENOENT", path });
      await expect(disk.open(path, "write")).rejects.toMatchObject({ code: "ENOENT" });
      await expect(disk.open(`${directory}/none/a`, "create")).rejects.toMatchObject({ code: "ENOENT" });
      const file = await disk.open(path, "create");
      await file.write([text("kept")], 0);
      await file.close();
      await expect(disk.open(path, "create-new")).rejects.toMatchObject({ code: "EEXIST" });
      const again = await disk.open(path, "create");
      expect(await content(again)).toBe("kept");
      await again.close();
      const reader = await disk.open(path, "read");
      await expect(reader.write([text("x")], 0)).rejects.toMatchObject({ name: "DiskError", code: "EBADF" });
      await reader.close();
    });

    test("a closed file refuses everything with EBADF", async () => {
      const { disk, directory } = await open();
      const file = await disk.open(`${directory}/a`, "create");
      await file.close();
      for (const attempt of [
        file.size(),
        file.read(new Uint8Array(1), 0),
        file.write([text("x")], 0),
        file.truncate(0),
        file.sync(),
        file.close(),
      ]) {
        await expect(attempt).rejects.toMatchObject({ name: "DiskError", code: "EBADF" });
      }
    });

    test("an open file outlives its name", async () => {
      const { disk, directory } = await open();
      const file = await disk.open(`${directory}/a`, "create");
      await disk.remove(`${directory}/a`);
      await file.write([text("still here")], 0);
      expect(await content(file)).toBe("still here");
      expect(await disk.exists(`${directory}/a`)).toBe(false);
      await file.close();
    });

    test("lists, makes and removes directories", async () => {
      const { disk, directory } = await open();
      await disk.makeDirectory(`${directory}/x/y/z`);
      await disk.makeDirectory(`${directory}/x/y`);
      for (const name of ["b", "a", "C"]) await (await disk.open(`${directory}/x/${name}`, "create")).close();
      expect(await disk.list(`${directory}/x`)).toEqual(["C", "a", "b", "y"]);
      await expect(disk.list(`${directory}/none`)).rejects.toMatchObject({ code: "ENOENT" });
      await disk.syncDirectory(`${directory}/x`);
      await expect(disk.syncDirectory(`${directory}/none`)).rejects.toMatchObject({ code: "ENOENT" });
      await disk.removeDirectory(`${directory}/x`);
      await disk.removeDirectory(`${directory}/x`);
      expect(await disk.exists(`${directory}/x`)).toBe(false);
      await expect(disk.remove(`${directory}/x`)).rejects.toMatchObject({ code: "ENOENT" });
    });

    test("renames files and directories, over files too", async () => {
      const { disk, directory } = await open();
      for (const name of ["a", "b"]) {
        const file = await disk.open(`${directory}/${name}`, "create");
        await file.write([text(name)], 0);
        await file.close();
      }
      await disk.rename(`${directory}/a`, `${directory}/b`);
      expect(await disk.list(directory)).toEqual(["b"]);
      const file = await disk.open(`${directory}/b`, "read");
      expect(await content(file)).toBe("a");
      await file.close();
      await disk.makeDirectory(`${directory}/d`);
      await disk.rename(`${directory}/b`, `${directory}/d/b`);
      await disk.rename(`${directory}/d`, `${directory}/e`);
      expect(await disk.list(`${directory}/e`)).toEqual(["b"]);
      await expect(disk.rename(`${directory}/none`, `${directory}/x`)).rejects.toMatchObject({ code: "ENOENT" });
    });

    test("knows the free space", async () => {
      const { disk, directory } = await open();
      const { freeBytes, totalBytes } = await disk.space(directory);
      expect(freeBytes).toBeGreaterThan(0);
      expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
    });

    test("locks a directory once, until it is released", async () => {
      const { disk, directory } = await open();
      const lock = await disk.lock(directory);
      await expect(disk.lock(directory)).rejects.toMatchObject({
        name: "DiskError",
        code: "EBUSY",
        message: expect.stringMatching(/process \d+ .*this very process/),
      });
      await lock.release();
      const again = await disk.lock(directory);
      await again.release();
      await expect(disk.lock(`${directory}/none`)).rejects.toMatchObject({ code: "ENOENT" });
    });
  });
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
