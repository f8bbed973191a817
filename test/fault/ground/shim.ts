import { execFile } from "node:child_process";
import { mkdir, open, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const source = fileURLToPath(new URL("shim.c", import.meta.url));
const controlBytes = 24;

/** What a node's calls to its system meet with. */
export interface Trouble {
  /** Added to the wall clock; the monotonic clock goes on as it was. Whole seconds. */
  readonly wallOffsetMs?: number;
  readonly writeDelayMs?: number;
  readonly syncDelayMs?: number;
  /** Writes, or syncs, of files fail with this error. */
  readonly writeFails?: "EIO";
  readonly syncFails?: "EIO";
}

/** A library that is preloaded into every node, so that its clock and its disk can be given trouble while it runs. */
export class Shim {
  readonly #folder: string;
  readonly #library: string;

  private constructor(folder: string, library: string) {
    this.#folder = folder;
    this.#library = library;
  }

  /** @throws Error that says what this machine lacks */
  static async make(folder: string): Promise<Shim> {
    await mkdir(folder, { recursive: true });
    const library = join(folder, "shim.so");
    await promisify(execFile)("gcc", ["-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"]);
    return new Shim(folder, library);
  }

  /** A command that runs a node with it. */
  async through(nodeId: number): Promise<string[]> {
    await writeFile(this.#control(nodeId), new Uint8Array(controlBytes));
    return ["env", `LD_PRELOAD=${this.#library}`, `FAULT_SHIM=${this.#control(nodeId)}`];
  }

  /** From now on, also after a restart, until it is set again. Nothing given: none. */
  async set(nodeId: number, { wallOffsetMs, writeDelayMs, syncDelayMs, writeFails, syncFails }: Trouble = {}): Promise<void> {
    const view = new DataView(new ArrayBuffer(controlBytes));
    const code = (name: "EIO" | undefined): number => (name === undefined ? 0 : constants.errno[name]);
    view.setBigInt64(0, BigInt(wallOffsetMs ?? 0), true);
    view.setInt32(8, (writeDelayMs ?? 0) * 1000, true);
    view.setInt32(12, (syncDelayMs ?? 0) * 1000, true);
    view.setInt32(16, code(writeFails), true);
    view.setInt32(20, code(syncFails), true);
    // In place: the nodes have mapped it.
    const file = await open(this.#control(nodeId), "r+");
    try {
      await file.write(new Uint8Array(view.buffer), 0, controlBytes, 0);
    } finally {
      await file.close();
    }
  }

  #control(nodeId: number): string {
    return join(this.#folder, `control-${nodeId}`);
  }
}
