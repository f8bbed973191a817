// The log engine alone, on one core: appends of 64 KiB batches of 1 KiB records under each flush policy, and a sequential read of what the
// page cache holds.
import { join } from "node:path";
import { nodeHost, silentLogger } from "../packages/host/src/index.ts";
import { type Log, LogDirectory, type LogSettings } from "../packages/log/src/index.ts";
import { encodeBatchSync, type FlushPolicy } from "../packages/protocol/src/index.ts";
import { benchOptions } from "./support/options.ts";
import { line, machine } from "./support/report.ts";

const MIB = 1 << 20;
const recordBytes = 1024;
const recordsPerBatch = 63;
/** Together larger than the cache of recent batches: none is appended again while the log still holds it. */
const poolBatches = 1024;
const cacheBytes = 32 * MIB;
const inFlightBytes = 8 * MIB;
const batchesPerTurn = 8;

const { rounds, directory } = await benchOptions();
const { disk, clock, random } = nodeHost();
const value = random.bytes(recordBytes);
const records = Array.from({ length: recordsPerBatch }, (_, at) => ({ key: null, value, timestamp: 1_767_225_600_000 + at }));
const pool = Array.from({ length: poolBatches }, () => encodeBatchSync(records));
const batchBytes = pool[0]?.length ?? 0;

console.log(machine());
for (const [name, flush, bytes, target] of [
  ["os", { kind: "os" }, 2048 * MIB, 500],
  ["interval:1000", { kind: "interval", ms: 1000 }, 2048 * MIB, 500],
  ["commit", { kind: "commit" }, 1024 * MIB, 150],
] as const) {
  const appended: number[] = [];
  const read: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const path = join(directory, `${name.replace(":", "-")}-${round}`);
    await using logs = await LogDirectory.open({
      disk,
      clock,
      random,
      directory: path,
      cacheBytes,
      maxOpenFiles: 64,
      minFreeBytes: -1,
      logger: silentLogger,
      onFatal: fatal,
    });
    const log = await logs.openLog("bench-0", settingsWith(flush), () => {});
    appended.push(await timed(bytes, () => append(log, Math.ceil(bytes / batchBytes), flush)));
    read.push(await timed(bytes, () => readAll(log)));
    await logs.removeLog("bench-0");
  }
  console.log(line(`append, ${batchBytes} byte batches, flush policy ${name} (target ${target})`, appended, "MB/s"));
  console.log(line(`sequential read from the page cache, 1 MiB at a time (target 1000)`, read, "MB/s"));
}

function settingsWith(flush: FlushPolicy): LogSettings {
  return { segmentBytes: 1024 * MIB, segmentMs: 7 * 86_400_000, indexIntervalBytes: 4096, retentionMs: -1, retentionBytes: -1, flush };
}

/** As a broker does it: a few batches a turn, and not more in flight than a bound. */
async function append(log: Log, batches: number, flush: FlushPolicy): Promise<void> {
  const ahead = Math.floor(inFlightBytes / batchBytes) * recordsPerBatch;
  const passed = (offset: number): Promise<void> => (flush.kind === "commit" ? log.durable(offset) : log.written(offset));
  for (let at = 0; at < batches; at += 1) {
    const batch = pool[at % poolBatches];
    if (batch !== undefined) log.append(batch, 0);
    if (at % batchesPerTurn !== batchesPerTurn - 1) continue;
    await new Promise((resolve) => clock.soon(() => resolve(undefined)));
    if (log.endOffset > ahead) await passed(log.endOffset - ahead);
  }
  await passed(log.endOffset);
}

async function readAll(log: Log): Promise<void> {
  for (let offset = 0; offset < log.endOffset;) {
    const { nextOffset } = await log.read({ from: offset, until: log.endOffset, maxBytes: MIB });
    offset = nextOffset;
  }
}

/** In MB (10^6 bytes) a second. */
async function timed(bytes: number, job: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await job();
  return bytes / 1000 / (performance.now() - startedMs);
}

function fatal(error: Error): void {
  throw error;
}
