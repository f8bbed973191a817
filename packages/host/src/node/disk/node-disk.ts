import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import type { DirectoryLock, Disk, DiskFile, OpenMode } from "../../disk.ts";
import { diskError, hasCode } from "./errors.ts";
import { lockDirectory } from "./lock.ts";
import { NodeFile, type Paces } from "./node-file.ts";
import { Pace } from "./pace.ts";

const open = promisify(fs.open);
const close = promisify(fs.close);
const fsync = promisify(fs.fsync);
const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = fs.constants;

const flags: Record<OpenMode, number> = {
  read: O_RDONLY,
  write: O_RDWR,
  create: O_RDWR | O_CREAT,
  "create-new": O_RDWR | O_CREAT | O_EXCL,
};

export class NodeDisk implements Disk {
  readonly #paces: Paces = { read: new Pace(), write: new Pace() };

  open(file: string, mode: OpenMode): Promise<DiskFile> {
    return attempt("open", file, async () => new NodeFile(file, await open(file, flags[mode], 0o644), this.#paces));
  }

  async exists(file: string): Promise<boolean> {
    try {
      await fs.promises.stat(file);
      return true;
    } catch (error) {
      if (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR")) return false;
      throw diskError("exists", file, error);
    }
  }

  list(directory: string): Promise<string[]> {
    return attempt("list", directory, async () => (await fs.promises.readdir(directory)).sort());
  }

  makeDirectory(directory: string): Promise<void> {
    return attempt("make directory", directory, async () => {
      await fs.promises.mkdir(directory, { recursive: true });
    });
  }

  remove(file: string): Promise<void> {
    return attempt("remove", file, () => fs.promises.unlink(file));
  }

  removeDirectory(directory: string): Promise<void> {
    return attempt("remove directory", directory, () => fs.promises.rm(directory, { recursive: true, force: true }));
  }

  rename(from: string, to: string): Promise<void> {
    return attempt(`rename to ${path.basename(to)}:`, from, () => fs.promises.rename(from, to));
  }

  syncDirectory(directory: string): Promise<void> {
    return attempt("sync directory", directory, async () => {
      const fd = await open(directory, O_RDONLY);
      try {
        await fsync(fd);
      } finally {
        await close(fd);
      }
    });
  }

  space(file: string): Promise<{ freeBytes: number; totalBytes: number }> {
    return attempt("measure the space at", file, async () => {
      const { bavail, blocks, bsize } = await fs.promises.statfs(file);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    });
  }

  lock(directory: string): Promise<DirectoryLock> {
    return attempt("lock", directory, () => lockDirectory(directory));
  }
}

async function attempt<T>(operation: string, file: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw diskError(operation, file, error);
  }
}
