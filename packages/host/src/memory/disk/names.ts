import { DiskError, type DirectoryLock } from "../../disk.ts";
import type { Platter } from "./platter.ts";

/** What a rename moves, and where to.
 * @throws DiskError as a file system does when there is nothing, or something of another kind */
export function renaming(platter: Platter, from: string, to: string) {
  const source = platter.place("rename", from);
  const target = platter.place("rename", to);
  const node = source.parent.cached.get(source.name);
  if (node === undefined) throw new DiskError("rename", from, "ENOENT");
  const replaced = target.parent.cached.get(target.name);
  if (replaced?.kind === "directory" && node.kind === "file") throw new DiskError("rename", from, "EISDIR");
  if (replaced?.kind === "file" && node.kind === "directory") throw new DiskError("rename", from, "ENOTDIR");
  if (replaced?.kind === "directory" && replaced !== node && replaced.cached.size > 0) throw new DiskError("rename", from, "ENOTEMPTY");
  return { source, target, node };
}

/** @param dead whether the life that took the lock has ended: what it releases is not its own any more */
export function lockDirectory(platter: Platter, path: string, dead: () => boolean): DirectoryLock {
  const directory = platter.directory("lock", path);
  const { locked } = platter;
  if (locked.has(directory)) {
    const error = new DiskError("lock", path, "EBUSY");
    error.message = `lock ${path} failed: EBUSY: process 1 holds it (this very process); stop that process or use another directory`;
    throw error;
  }
  locked.add(directory);
  return {
    release: async () => {
      if (!dead()) locked.delete(directory);
    },
  };
}
