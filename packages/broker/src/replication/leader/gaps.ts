import { LogDamagedError } from "@ottla/log";
import { type pb, ProtocolError, uuidToBytes } from "@ottla/protocol";
import type { Attachment } from "./attachment.ts";

/** What a follower is told instead of offsets that the leader's log lacks. Where another replica may have them it must wait: that one comes
 * to lead once it is in sync.
 * @param error why they could not be read
 * @returns null when they are not lost: only their reading failed
 * @throws ProtocolError naming the offsets while somebody else may have them */
export async function offerGap({ leader, nextOffset }: Attachment, error: unknown): Promise<pb.ReplicationGap | null> {
  const { replica, epoch: leaderEpoch, inSync } = leader;
  const { log, topicId, index: partition, around, name } = replica;
  if (error instanceof LogDamagedError) {
    // It may want to hand over.
    inSync.review();
    if (log.damaged.some(({ from, until }) => from <= nextOffset && nextOffset < until)) {
      if (!inSync.endsWithAll(nextOffset)) throw mayBeElsewhere(name, error, around.nodeId);
      await log.noteLost(nextOffset);
      leader.lost(error.from, error.until);
      around.logger.error(
        { partition: name, from: error.from, until: error.until, file: error.file },
        "Damaged offsets are lost: no other replica has them. They are answered with an error, and copied as a gap",
      );
    }
  }
  const gap = log.gapAt(nextOffset);
  if (gap === null) return null;
  const { from: fromOffset, until: untilOffset, epochs, accepted } = gap;
  return { topicId: uuidToBytes(topicId), partition, leaderEpoch, fromOffset, untilOffset, epochs: [...epochs], accepted };
}

function mayBeElsewhere(partition: string, { from, until, file }: LogDamagedError, leader: number): ProtocolError {
  return new ProtocolError(
    "KAFKA_STORAGE_ERROR",
    `Offsets ${from} to ${until - 1} of ${partition} are damaged at its leader, broker ${leader} (${file}), and another of its replicas may have them: ` +
      `it must be in sync again, or be taken out of the replicas; only then can they be stepped over as lost`,
  );
}
