import { type BatchHeader, ProtocolError, type TopicSettings } from "@ottla/protocol";

/** Refuses a batch whose times lie too far from the broker's clock. Only the header is read: the time of the first record and the highest.
 * @throws ProtocolError INVALID_TIMESTAMP */
export function checkTimestamps(header: BatchHeader, settings: TopicSettings, nowMs: number): void {
  const { messageTimestampBeforeMaxMs: beforeMaxMs, messageTimestampAfterMaxMs: afterMaxMs } = settings;
  const earliest = Math.min(header.baseTimestamp, header.maxTimestamp);
  const latest = Math.max(header.baseTimestamp, header.maxTimestamp);
  if (nowMs - earliest > beforeMaxMs)
    throw outside(earliest, `${nowMs - earliest} ms before`, "message.timestamp.before.max.ms", beforeMaxMs, nowMs);
  if (latest - nowMs > afterMaxMs) throw outside(latest, `${latest - nowMs} ms after`, "message.timestamp.after.max.ms", afterMaxMs, nowMs);
}

function outside(timestamp: number, distance: string, setting: string, limit: number, nowMs: number): ProtocolError {
  return new ProtocolError(
    "INVALID_TIMESTAMP",
    `Cannot append records with timestamp ${timestamp}: it lies ${distance} the broker's clock (${nowMs}), and ${setting} of the topic is ${limit}. Correct the timestamp, or raise the setting`,
    { notAppended: true },
  );
}
