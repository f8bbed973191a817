import type { Mark } from "../directory/mark.ts";
import { inspect } from "../segment/inspect.ts";
import { headerCheck } from "../segment/verify.ts";
import { assert } from "../assert.ts";
import { LogFailedError } from "../errors.ts";
import type { LogCore } from "./core.ts";

/** Recovers a log whose append failed: cuts its file back to what had been written, verifies what was not durable, makes it so. */
export async function reopen(core: LogCore): Promise<Mark> {
  const { failure } = core;
  assert(failure !== null, `log ${core.name} has not failed`);
  if (failure.reason === "SYNC" || failure.reason === "CLOSED") throw failure;
  const { disk, files, marks, syncNames } = core.shared;
  const { active } = core;
  let end: Mark = { offset: active.base, segmentBase: active.base, position: 0, check: null };
  try {
    for (const segment of core.segments) {
      if (!segment.onDisk || segment.base < core.durable.segmentBase) continue;
      const open = await files.acquire(core.filePath(segment), "write");
      try {
        await open.file.truncate(segment.writtenBytes);
        const from = segment.base === core.durable.segmentBase ? core.durable : { offset: segment.base, position: 0 };
        let check = segment.base === core.durable.segmentBase ? core.durable.check : null;
        const found = await inspect({
          file: open.file,
          sizeBytes: segment.writtenBytes,
          from: { ...from, lastEpoch: -1 },
          floor: { ...from, check: null },
          epochs: core.epochs,
          epochsKnownUntil: core.endOffset,
          onBatch: (_header, batch) => (check = headerCheck(batch)),
        });
        if (found.torn !== null) throw new Error(`byte ${found.endPosition} of ${open.path}: ${found.torn.reason}`);
        await open.file.sync().catch((error: unknown) => syncFailed(core, open.path, error));
        open.unsynced = false;
        end = { offset: found.endOffset, segmentBase: segment.base, position: found.endPosition, check };
      } finally {
        files.release(open);
      }
    }
    if (core.onDisk) await disk.syncDirectory(core.path);
    await syncNames();
    await core.saveState();
    await marks.set(core.name, end);
    core.shared.logger.info({ log: core.name, endOffset: end.offset }, "The log takes appends again");
    core.namesUnsynced = false;
    core.failure = null;
    return end;
  } catch (error) {
    throw new LogFailedError(
      `Cannot reopen log ${core.name} in ${core.path}: ${error instanceof Error ? error.message : String(error)}`,
      failure.reason,
      error,
    );
  }
}

function syncFailed(core: LogCore, path: string, cause: unknown): never {
  core.failure = new LogFailedError(
    `Cannot sync ${path}: a failed sync cannot be repeated. Restart the node; recovery keeps what was acknowledged`,
    "SYNC",
    cause,
  );
  core.shared.fatal(core.failure);
  throw core.failure;
}
