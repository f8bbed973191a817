import { execFile } from "node:child_process";
import { mkdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** EXT4_IOC_SHUTDOWN without a flush of the journal: from then on nothing more reaches the image, as when the power goes. */
const SHUTDOWN = `
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack("I", 2))
`;

/** An ext4 file system in a file, which can lose its power. */
export class Ext4Image implements AsyncDisposable {
  readonly mountPoint: string;
  readonly #folder: string;
  readonly #image: string;
  #mounted = false;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#image = join(folder, "disk.img");
    this.mountPoint = join(folder, "mounted");
  }

  /** @param folder made here, and removed at the end
   * @throws Error that says what this machine lacks */
  static async make(folder: string, bytes: number): Promise<Ext4Image> {
    const image = new Ext4Image(folder);
    try {
      await mkdir(image.mountPoint, { recursive: true });
      await writeFile(image.#image, "");
      await truncate(image.#image, bytes);
      await run("mkfs.ext4", ["-q", "-F", image.#image]);
      await image.mount();
      await run("python3", ["-c", "import fcntl"]);
      return image;
    } catch (error) {
      await image[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** `loop` frees the loop device with the last unmount. */
  async mount(): Promise<void> {
    await run("mount", ["-o", "loop", this.#image, this.mountPoint]);
    this.#mounted = true;
  }

  async cutPower(): Promise<void> {
    await run("python3", ["-c", SHUTDOWN, this.mountPoint]);
  }

  async unmount(): Promise<void> {
    await run("umount", [this.mountPoint]);
    this.#mounted = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#mounted) await this.unmount().catch(() => run("umount", ["-l", this.mountPoint]));
    await rm(this.#folder, { recursive: true, force: true });
  }
}
