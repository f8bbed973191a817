import { DiskError, type DiskFile, type OpenMode } from "../../disk.ts";
import type { FileNode } from "./file-node.ts";
import type { MemoryDisk } from "./memory-disk.ts";
import type { Platter } from "./platter.ts";

export class MemoryFile implements DiskFile {
  readonly path: string;
  readonly #disk: MemoryDisk;
  readonly #platter: Platter;
  readonly #node: FileNode;
  readonly #mode: OpenMode;
  #closed = false;

  constructor(path: string, mode: OpenMode, node: FileNode, disk: MemoryDisk, platter: Platter) {
    this.path = path;
    this.#mode = mode;
    this.#node = node;
    this.#disk = disk;
    this.#platter = platter;
  }

  size(): Promise<number> {
    return this.#disk.perform("size", this.path, () => {
      this.#check("size");
      return this.#node.cached.size;
    });
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#disk.perform("read", this.path, () => {
      this.#check("read");
      return this.#node.cached.read(into, position);
    });
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    const data = joined(parts);
    try {
      await this.#attempt(data, position);
    } catch (error) {
      // A write that the device failed may have got anywhere.
      if (!this.#disk.dead && error instanceof DiskError && error.code === "EIO")
        this.#put(data.subarray(0, this.#platter.random.below(data.byteLength + 1)), position);
      throw error;
    }
  }

  #attempt(data: Uint8Array, position: number): Promise<void> {
    return this.#disk.perform("write", this.path, () => {
      this.#check("write", true);
      const growth = position + data.byteLength - this.#node.cached.size;
      const missing = growth - (this.#platter.capacityBytes - this.#platter.usedBytes);
      if (missing <= 0) return this.#put(data, position);
      if (missing < data.byteLength) this.#put(data.subarray(0, data.byteLength - missing), position);
      throw new DiskError("write", this.path, "ENOSPC");
    });
  }

  truncate(size: number): Promise<void> {
    return this.#disk.perform("truncate", this.path, () => {
      this.#check("truncate", true);
      this.#platter.usedBytes += size - this.#node.cached.size;
      this.#node.resize(size);
    });
  }

  async sync(): Promise<void> {
    let changes = 0;
    try {
      await this.#disk.perform(
        "sync",
        this.path,
        () => {
          this.#check("sync");
          changes = this.#node.changes;
        },
        () => {
          if (!this.#disk.syncIsALie) this.#node.commit(changes);
        },
      );
    } catch (error) {
      if (!this.#closed && !this.#disk.dead) this.#node.abandon();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#disk.perform("close", this.path, () => {
      this.#check("close");
      this.#closed = true;
    });
  }

  #put(data: Uint8Array, position: number): void {
    this.#platter.usedBytes += Math.max(0, position + data.byteLength - this.#node.cached.size);
    this.#node.write(data, position);
  }

  #check(operation: string, changes = false): void {
    if (this.#closed || (changes && this.#mode === "read")) throw new DiskError(operation, this.path, "EBADF");
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const first = parts[0];
  if (parts.length === 1 && first !== undefined) return first;
  const data = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.byteLength;
  }
  return data;
}
