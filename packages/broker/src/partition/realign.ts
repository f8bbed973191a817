import type { Gap } from "@ottla/log";
import type { Replica } from "./replica.ts";

/** Whom a log is brought in line with. */
export interface Following {
  readonly leader: number;
  readonly epoch: number;
  readonly topicId: Uint8Array;
}

/** A leader's state of producers at an offset, for a log that begins there. */
export interface ProducersAt {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Cuts a follower's log at `offset`. */
export async function cutAt(replica: Replica, offset: number, { leader, epoch, topicId }: Following): Promise<void> {
  const { log, producers, around, index, name, highWatermark } = replica;
  const fromEnd = log.endOffset;
  await producers.rewind(around.clock.wallMs(), () => log.truncateTo(offset));
  const toEnd = log.endOffset;
  if (toEnd < highWatermark)
    around.logger.error({ partition: name, leaderEpoch: epoch, highWatermark, toEnd }, "Records were cut that had been committed here");
  replica.boundHighWatermark();
  if (toEnd === fromEnd) return;
  replica.traffic.truncated(fromEnd - toEnd);
  around.logger.warn(
    { partition: name, leader, leaderEpoch: epoch, fromEnd, toEnd },
    "The log was cut where it differed from its leader's",
  );
  around.peers.truncated({ topicId, partition: index, leaderEpoch: epoch, fromEnd, toEnd });
}

/** The leader no longer has what the log lacks: it begins anew at `offset`. */
export async function beginAnew(replica: Replica, offset: number, snapshot: ProducersAt | null, { leader }: Following): Promise<void> {
  const { log, producers, around, name } = replica;
  const fromEnd = log.endOffset;
  // First the snapshot: should the power fail behind it, it lies above the log's end and is removed; behind the reset it counts.
  if (snapshot !== null && snapshot.offset === offset) await producers.keep(offset, snapshot.bytes);
  await producers.rewind(around.clock.wallMs(), () => log.resetTo(offset));
  replica.boundHighWatermark();
  around.logger.info({ partition: name, leader, fromEnd, offset }, "The leader no longer has what this log lacks: it begins anew");
}

/** Nobody has the offsets that come next: the log goes on behind them. */
export async function skipGap(replica: Replica, gap: Gap, { leader }: Following): Promise<void> {
  const { log, around, name } = replica;
  await log.skipTo(gap);
  around.logger.warn(
    { partition: name, leader, from: gap.from, until: gap.until },
    "No replica has these offsets any more: the log goes on behind them, and answers them with an error",
  );
}
