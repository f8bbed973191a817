import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const controllers = "/sys/fs/cgroup/memory";
const RETRY_MS = 100;
const STEP_BYTES = 1 << 20;
const STEPS = 64;

/** A memory cgroup for each node, in which it lives from its start on: what a process holds is counted where it was when it took it. */
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

  /** A command that runs a node in its group. */
  async leg(nodeId: number): Promise<string[]> {
    return ["sh", "-c", `echo $$ > ${join(await this.#group(nodeId), "cgroup.procs")} && exec "$@"`, "sh"];
  }

  /** A node may hold no more than what has no name on disk, and a little: what is cached of files goes, and when it needs more the kernel kills it.
   * @returns the limit in bytes */
  async press(nodeId: number, spareBytes: number): Promise<number> {
    const group = await this.#group(nodeId);
    const anonymous = /^rss (\d+)$/m.exec(await readFile(join(group, "memory.stat"), "utf8"))?.[1];
    if (anonymous === undefined) throw new Error(`${group} does not tell what node ${nodeId} holds`);
    // The kernel refuses a limit below what it cannot take away.
    for (let step = 0; step < STEPS; step += 1) {
      const bytes = Number(anonymous) + spareBytes + step * STEP_BYTES;
      const set = await writeFile(join(group, "memory.limit_in_bytes"), String(bytes)).then(
        () => true,
        () => false,
      );
      if (set) return bytes;
    }
    throw new Error(`No limit near the ${anonymous} bytes of node ${nodeId} is taken`);
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
