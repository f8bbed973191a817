import fs from "node:fs";
import { promisify } from "node:util";
import { DiskError, type DiskFile } from "../../disk.ts";
import { diskError } from "./errors.ts";
import type { Pace } from "./pace.ts";

const pool = {
  read: promisify(fs.read),
  writev: promisify(fs.writev),
  fstat: promisify(fs.fstat),
  ftruncate: promisify(fs.ftruncate),
  fdatasync: promisify(fs.fdatasync),
  close: promisify(fs.close),
};

/** Larger ones would hold up the event loop however quick the disk is. */
const SYNC_WRITE_BYTES = 4 << 20;
const SYNC_READ_BYTES = 1 << 20;
/** The kernel's IOV_MAX. */
const PARTS_PER_CALL = 1024;

/** Shared by the files of one disk. */
export interface Paces {
  readonly read: Pace;
  readonly write: Pace;
}

export class NodeFile implements DiskFile {
  readonly path: string;
  readonly #fd: number;
  readonly #paces: Paces;
  #inFlight = 0;
  #closing = false;
  /** Called when the last operation in flight is done: the number must not be reused by the system before. */
  #idle: (() => void) | null = null;

  constructor(path: string, fd: number, paces: Paces) {
    this.path = path;
    this.#fd = fd;
    this.#paces = paces;
  }

  size(): Promise<number> {
    return this.#inPool("size", async () => (await pool.fstat(this.#fd)).size);
  }

  read(into: Uint8Array, position: number): Promise<number> {
    const pace = this.#paces.read;
    if (into.byteLength <= SYNC_READ_BYTES && pace.quick)
      return this.#now("read", () => timed(pace, into.byteLength, () => readAllSync(this.#fd, into, position)));
    return this.#inPool("read", async () => {
      const startedMs = performance.now();
      let done = 0;
      while (done < into.byteLength) {
        const { bytesRead } = await pool.read(this.#fd, into, done, into.byteLength - done, position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      pace.took(performance.now() - startedMs, into.byteLength);
      return done;
    });
  }

  write(parts: readonly Uint8Array[], position: number): Promise<void> {
    const pace = this.#paces.write;
    const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
    if (bytes <= SYNC_WRITE_BYTES && pace.quick) {
      return this.#now("write", () => {
        const first = parts[0];
        timed(pace, bytes, () =>
          parts.length === 1 && first !== undefined
            ? writeAllSync(this.#fd, first, position)
            : writeAllPartsSync(this.#fd, parts, position),
        );
      });
    }
    return this.#inPool("write", async () => {
      const startedMs = performance.now();
      let at = position;
      let left = parts;
      while (left.length > 0) {
        const { bytesWritten } = await pool.writev(this.#fd, left.slice(0, PARTS_PER_CALL), at);
        at += bytesWritten;
        left = after(left, bytesWritten);
      }
      pace.took(performance.now() - startedMs, bytes);
    });
  }

  truncate(size: number): Promise<void> {
    return this.#inPool("truncate", () => pool.ftruncate(this.#fd, size));
  }

  sync(): Promise<void> {
    return this.#inPool("sync", () => pool.fdatasync(this.#fd));
  }

  async close(): Promise<void> {
    if (this.#closing) throw new DiskError("close", this.path, "EBADF");
    this.#closing = true;
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    try {
      await pool.close(this.#fd);
    } catch (error) {
      throw diskError("close", this.path, error);
    }
  }

  #now<T>(operation: string, run: () => T): Promise<T> {
    if (this.#closing) return Promise.reject(new DiskError(operation, this.path, "EBADF"));
    try {
      return Promise.resolve(run());
    } catch (error) {
      return Promise.reject(diskError(operation, this.path, error));
    }
  }

  async #inPool<T>(operation: string, run: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new DiskError(operation, this.path, "EBADF");
    this.#inFlight += 1;
    try {
      return await run();
    } catch (error) {
      throw diskError(operation, this.path, error);
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#idle?.();
    }
  }
}

function timed<T>(pace: Pace, bytes: number, run: () => T): T {
  const startedMs = performance.now();
  try {
    return run();
  } finally {
    pace.took(performance.now() - startedMs, bytes);
  }
}

function readAllSync(fd: number, into: Uint8Array, position: number): number {
  let done = 0;
  while (done < into.byteLength) {
    const read = fs.readSync(fd, into, done, into.byteLength - done, position + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}

function writeAllSync(fd: number, part: Uint8Array, position: number): void {
  let done = 0;
  while (done < part.byteLength) done += fs.writeSync(fd, part, done, part.byteLength - done, position + done);
}

function writeAllPartsSync(fd: number, parts: readonly Uint8Array[], position: number): void {
  let at = position;
  let left = parts;
  while (left.length > 0) {
    const written = fs.writevSync(fd, left.slice(0, PARTS_PER_CALL), at);
    at += written;
    left = after(left, written);
  }
}

/** What is left of the parts after a write that may have been short. */
function after(parts: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written;
  let index = 0;
  for (const part of parts) {
    if (part.byteLength > skip) break;
    skip -= part.byteLength;
    index += 1;
  }
  const left = parts.slice(index);
  const first = left[0];
  if (first !== undefined && skip > 0) left[0] = first.subarray(skip);
  return left;
}
