import { execFile } from "node:child_process";
import { rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Ext4Image } from "../../simulation/ext4-image.ts";

const run = promisify(execFile);
const imageBytes = 384 << 20;

/** A small file system for each node. */
export class Disks implements AsyncDisposable {
  readonly #folder: string;
  readonly #images = new Map<number, Ext4Image>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @returns the data directory of this node
   * @throws Error that says what this machine lacks */
  async make(nodeId: number): Promise<string> {
    const image = await Ext4Image.make(join(this.#folder, `disk-${nodeId}`), imageBytes);
    this.#images.set(nodeId, image);
    return join(image.mountPoint, "data");
  }

  /** Takes all of it but so many bytes. */
  async fill(nodeId: number, leave: number): Promise<void> {
    const { mountPoint } = this.#image(nodeId);
    const { bavail, bsize } = await statfs(mountPoint);
    const bytes = bavail * bsize - leave;
    if (bytes > 0) await run("fallocate", ["-l", String(bytes), join(mountPoint, "filler")]);
  }

  async free(nodeId: number): Promise<void> {
    await rm(join(this.#image(nodeId).mountPoint, "filler"), { force: true });
  }

  /** As when the power goes: nothing more reaches the disk. The node must be killed after it, then {@link restore} gives back what was durable. */
  cutPower(nodeId: number): Promise<void> {
    return this.#image(nodeId).cutPower();
  }

  async restore(nodeId: number): Promise<void> {
    await this.#image(nodeId).unmount();
    await this.#image(nodeId).mount();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const image of this.#images.values()) await image[Symbol.asyncDispose]();
  }

  #image(nodeId: number): Ext4Image {
    const image = this.#images.get(nodeId);
    if (!image) throw new Error(`Node ${nodeId} has no disk of its own`);
    return image;
  }
}
