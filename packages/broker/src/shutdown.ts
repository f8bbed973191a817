import { type Clock, delay, type Logger } from "@ottla/host";
import type { LogDirectory } from "@ottla/log";
import { ProtocolError } from "@ottla/protocol";
import type { Membership } from "./controller/membership.ts";
import type { Partitions } from "./partition/partitions.ts";
import type { Retention } from "./partition/retention.ts";
import type { Replication } from "./replication/replication.ts";
import type { Timeouts } from "./timeouts.ts";

/** A way in for clients. */
interface ClientDoor {
  /** Takes nothing new, answers what it has taken, then ends every connection. */
  drain(): Promise<void>;
  /** Ends every connection, answered or not. */
  close(): void;
}

export interface EndingParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timeoutMs: number;
  readonly doors: readonly ClientDoor[];
  readonly membership: Membership;
  readonly retention: Retention;
  readonly replication: Replication;
  readonly partitions: Partitions;
  readonly directory: LogDirectory;
  readonly timeouts: Timeouts;
  failed(): boolean;
}

export async function endInOrder(parts: EndingParts): Promise<void> {
  const { clock, logger, timeoutMs, doors, membership, retention, replication, partitions, directory, timeouts, failed } = parts;
  const { link } = membership;
  if (!failed()) {
    if (!(await doneWithin(clock, timeoutMs / 2, Promise.all(doors.map((door) => door.drain())))))
      logger.warn({ timeoutMs }, "Some requests were not answered before the broker stopped");
    await membership.sayGoodbye(timeoutMs / 2);
  } else {
    // Others take over as soon as the session ends, and a broken disk may hold up everything else.
    await link.close();
  }
  for (const door of doors) door.close();
  await Promise.all([retention.stop(), membership.stopFollowing(), replication.close()]);
  await partitions.close(new ProtocolError("NOT_LEADER_OR_FOLLOWER", "The broker stops: refresh the metadata and ask the next leader"));
  const brokerEpoch = link.brokerEpoch ?? directory.cleanShutdown?.brokerEpoch;
  await link.close();
  timeouts.close();
  // After a failure nobody knows that the logs are whole: the next start looks.
  if (failed() || brokerEpoch === undefined) await directory.close();
  else await directory.close({ brokerEpoch });
}

async function doneWithin(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  const waited = new AbortController();
  const inTime = await Promise.race([
    work.then(() => true),
    delay(clock, ms, waited.signal).then(
      () => false,
      () => false,
    ),
  ]);
  waited.abort();
  return inTime;
}
