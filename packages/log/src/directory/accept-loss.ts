import { LogDirectory } from "./log-directory.ts";
import type { LogDirectoryOptions } from "./options.ts";
import type { DamagedOffsets } from "../log/log.ts";
import type { LogSettings } from "../settings.ts";

export type AcceptLossOptions = Omit<LogDirectoryOptions, "onFatal" | "cacheBytes">;

/** Offsets that were given up. */
export interface AcceptedLoss extends DamagedOffsets {
  readonly log: string;
}

const settings: LogSettings = {
  segmentBytes: 2 ** 30,
  segmentMs: Infinity,
  indexIntervalBytes: 4096,
  retentionMs: -1,
  retentionBytes: -1,
  flush: { kind: "commit" },
};

/** Recovers every log of a directory that no process uses, and gives up what is damaged, so that reads step over it. The damaged files
 * and their copies stay. Resolves with every range that is lost. */
export async function acceptLoss(options: AcceptLossOptions): Promise<AcceptedLoss[]> {
  let fatal: Error | null = null;
  const directory = await LogDirectory.open({ ...options, cacheBytes: 0, onFatal: (error) => (fatal ??= error) });
  const losses: AcceptedLoss[] = [];
  try {
    for (const name of directory.names()) {
      const log = await directory.openLog(name, settings, () => {});
      for (const lost of await log.acceptLoss()) losses.push({ log: name, ...lost });
      await log.close();
    }
  } finally {
    await directory.close();
  }
  if (fatal !== null) throw fatal;
  return losses;
}
