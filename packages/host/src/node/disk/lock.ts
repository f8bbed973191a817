import { randomBytes } from "node:crypto";
import fs from "node:fs/promises";
import path from "node:path";
import { DiskError, type DirectoryLock } from "../../disk.ts";
import { hasCode } from "./errors.ts";

const LOCK_FILE = ".lock";
/** What file systems without hard links answer. */
const NO_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];

/** Node offers no flock, so the lock is a file that names its process by pid, start and boot: together they are never reused.
 * It comes into being complete, by a link. The lock of a dead process is replaced under a lock of its own, named after the dead one,
 * so that of several that find it dead only one takes over. Processes of different pid namespaces cannot see each other. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const file = path.join(directory, LOCK_FILE);
  const self = await describeProcess(process.pid);
  const draft = `${file}.${process.pid}-${randomBytes(6).toString("hex")}`;
  await fs.writeFile(draft, self, { flag: "wx" });
  try {
    await acquire(file, draft, self);
  } finally {
    await fs.rm(draft, { force: true });
  }
  let released = false;
  return {
    async release() {
      if (released) return;
      released = true;
      if ((await readIfThere(file)) === self) await fs.unlink(file);
    },
  };
}

async function acquire(file: string, draft: string, self: string): Promise<void> {
  for (;;) {
    try {
      return await claim(file, draft, self);
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
    const holder = await readIfThere(file);
    if (holder === null) continue;
    if (await lives(holder)) throw busy(path.dirname(file), holder);
    const succession = `${file}.after-${nameOf(holder)}`;
    await acquire(succession, draft, self);
    try {
      if ((await readIfThere(file)) !== holder) continue;
      // A link of its own, because rename does nothing between two names of one file.
      const copy = `${draft}.copy`;
      await fs.writeFile(copy, self);
      return await fs.rename(copy, file);
    } finally {
      await fs.unlink(succession);
    }
  }
}

async function claim(file: string, draft: string, self: string): Promise<void> {
  try {
    await fs.link(draft, file);
  } catch (error) {
    if (!NO_LINKS.some((code) => hasCode(error, code))) throw error;
    await fs.writeFile(file, self, { flag: "wx" });
  }
}

function busy(directory: string, holder: string): DiskError {
  const pid = holder.split(" ")[0];
  const error = new DiskError("lock", directory, "EBUSY");
  error.message = `lock ${directory} failed: EBUSY: process ${pid} holds it${pid === String(process.pid) ? " (this very process)" : ""}; stop that process or use another directory`;
  return error;
}

/** A power failure may leave a lock file without content: nobody who wrote that lives. */
async function lives(holder: string): Promise<boolean> {
  const pid = Number(holder.split(" ")[0]);
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!hasCode(error, "EPERM")) return false;
  }
  return (await describeProcess(pid)) === holder;
}

async function describeProcess(pid: number): Promise<string> {
  const stat = await readIfThere(`/proc/${pid}/stat`);
  if (stat === null) return `${pid}`;
  const boot = await readIfThere("/proc/sys/kernel/random/boot_id");
  // Fields are counted from behind the command, which may hold blanks and brackets: start time is the 22nd of all.
  const start = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  return `${pid} ${start} ${boot?.trim()}`;
}

function nameOf(holder: string): string {
  return holder.replaceAll(/[^0-9a-f-]/g, "-").slice(0, 40);
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await fs.readFile(file, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ESRCH")) return null;
    throw error;
  }
}
