import { type Logger, type MemoryHost, memoryHost, silentLogger } from "@ottla/host";
import { encodeBatchSync } from "@ottla/protocol";
import { LogDirectory } from "./directory/log-directory.ts";
import type { LogDirectoryOptions } from "./directory/options.ts";
import type { Log } from "./log/log.ts";
import type { LogSettings } from "./settings.ts";

export const settings: LogSettings = {
  segmentBytes: 1 << 20,
  segmentMs: 7 * 86_400_000,
  indexIntervalBytes: 256,
  retentionMs: -1,
  retentionBytes: -1,
  flush: { kind: "commit" },
};

const text = new TextEncoder();

/** A batch of `count` records whose values begin with `label`. */
export function batchOf(label: string, count = 1, options: { timestamp?: number; valueBytes?: number } = {}): Uint8Array {
  const value = text.encode(label.padEnd(options.valueBytes ?? 0, "."));
  const timestamp = options.timestamp ?? 1_000;
  return encodeBatchSync(Array.from({ length: count }, (_, at) => ({ key: null, value, timestamp: timestamp + at })));
}

export interface Told {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly fields: object;
}

/** A machine in memory with one log directory on it, which can lose its power and come back. */
export class Rig {
  host: MemoryHost;
  readonly told: Told[] = [];
  readonly fatal: Error[] = [];
  readonly path: string = "/data/log";
  readonly #options: Partial<LogDirectoryOptions>;

  constructor(seed = 1, options: Partial<LogDirectoryOptions> & { capacityBytes?: number } = {}) {
    const { capacityBytes, ...rest } = options;
    this.host = memoryHost({ seed, ...(capacityBytes === undefined ? {} : { capacityBytes }) });
    this.#options = rest;
  }

  get disk(): MemoryHost["disk"] {
    return this.host.disk;
  }

  /** Lets virtual time pass until the promise settles. */
  run<T>(promise: Promise<T>): Promise<T> {
    return this.host.clock.run(promise);
  }

  open(): Promise<LogDirectory> {
    const { disk, clock, random } = this.host;
    return this.run(
      LogDirectory.open({
        disk,
        clock,
        random,
        directory: this.path,
        cacheBytes: 1 << 20,
        maxOpenFiles: 16,
        minFreeBytes: 0,
        logger: this.#logger(),
        onFatal: (error) => this.fatal.push(error),
        ...this.#options,
      }),
    );
  }

  async openLog(directory: LogDirectory, name = "t-0", changed: Partial<LogSettings> = {}): Promise<Log> {
    return this.run(directory.openLog(name, { ...settings, ...changed }, () => {}));
  }

  /** The next life of the machine after a power failure. */
  restart(keep: "none" | "all" | "random" = "none"): void {
    this.host.crash({ keep });
    this.host = this.host.restart();
  }

  async bytesOf(path: string): Promise<Uint8Array> {
    const file = await this.disk.open(path, "read");
    const bytes = new Uint8Array(await file.size());
    await file.read(bytes, 0);
    await file.close();
    return bytes;
  }

  #logger(): Logger {
    const tell =
      (level: Told["level"]) =>
      (fields: object, message: string): void => {
        this.told.push({ level, message, fields });
      };
    return { ...silentLogger, info: tell("info"), warn: tell("warn"), error: tell("error") };
  }
}

/** Everything a log serves, as [offset, bytes] of its batches. */
export async function contentOf(rig: Pick<Rig, "run">, log: Log, from = log.startOffset, maxBytes = 1 << 20): Promise<[number, string][]> {
  const content: [number, string][] = [];
  for (let offset = from; offset < log.endOffset;) {
    const { parts, nextOffset } = await rig.run(log.read({ from: offset, until: log.endOffset, maxBytes }));
    for (const part of parts) {
      const buffer = Buffer.from(part.buffer, part.byteOffset, part.length);
      for (let at = 0; at < buffer.length;) {
        const size = buffer.readInt32BE(at + 8) + 12;
        content.push([Number(buffer.readBigInt64BE(at)), buffer.subarray(at, at + size).toString("latin1")]);
        at += size;
      }
    }
    if (nextOffset === offset) break;
    offset = nextOffset;
  }
  return content;
}
