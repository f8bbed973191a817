import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const controllers = "/sys/fs/cgroup/memory";
const RETRY_MS = 100;

/** A memory cgroup for each node that is pressed. */
export class Memory implements AsyncDisposable {
  readonly #groups = new Set<string>();
  readonly #prefix = `ottla-faults-${process.pid}`;

  /** @throws Error that says what this machine lacks */
  static async make(): Promise<Memory> {
    const memory = new Memory();
    await memory.#group(0);
    await memory[Symbol.asyncDispose]();
    return memory;
  }

  /** A process may hold no more than this part of what it holds. Whatever has a name on disk goes first; with too little left the kernel kills it.
   * @returns the limit in bytes */
  async press(nodeId: number, pid: number, part: number): Promise<number> {
    const group = await this.#group(nodeId);
    await writeFile(join(group, "cgroup.procs"), String(pid));
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1];
    if (resident === undefined) throw new Error(`Process ${pid} does not tell what it holds`);
    const bytes = Math.floor(Number(resident) * 1024 * part);
    await writeFile(join(group, "memory.limit_in_bytes"), String(bytes));
    return bytes;
  }

  async release(nodeId: number): Promise<void> {
    await writeFile(join(await this.#group(nodeId), "memory.limit_in_bytes"), "-1");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const group of this.#groups) {
      // It lives for as long as the last process in it is being taken apart.
      for (let attempt = 0; attempt < 50; attempt += 1) {
        if (
          await rmdir(group).then(
            () => true,
            () => false,
          )
        )
          break;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    this.#groups.clear();
  }

  async #group(nodeId: number): Promise<string> {
    const group = join(controllers, `${this.#prefix}-${nodeId}`);
    await mkdir(group, { recursive: true });
    // mkdir succeeds on a plain file system too.
    await readFile(join(group, "memory.limit_in_bytes"));
    this.#groups.add(group);
    return group;
  }
}
