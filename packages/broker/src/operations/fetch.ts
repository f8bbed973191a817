import type { pb, ProtocolError, Uuid } from "@ottla/protocol";
import { AnswerRoom } from "./answer-room.ts";
import type { BrokerParts, RequestContext } from "./context.ts";
import { look, type Looked } from "./look.ts";
import { mapInTurns } from "./many.ts";
import { ParkedFetch } from "./parked-fetch.ts";
import { readLooked } from "./read-looked.ts";

export interface FetchRequest {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  /** read_committed: nothing of a transaction that has not ended. */
  readonly isolation: Isolation;
  /** Where reading begins when the limits do not allow all partitions: at the first that is asked for, or at any of them. */
  readonly begin: "first" | "any";
  readonly partitions: readonly FetchPartition[];
}

export type Isolation = "read_uncommitted" | "read_committed";

export interface FetchPartition {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly fetchOffset: number;
  readonly maxBytes: number;
  /** The newest leader epoch that the client knows, -1 for none (KIP-320). */
  readonly leaderEpoch: number;
  /** The epoch of the record before `fetchOffset`; -1: not to be compared (KIP-595). */
  readonly lastFetchedEpoch: number;
}

export interface FetchedPartition {
  readonly error: ProtocolError | null;
  readonly leader: pb.LeaderHint | undefined;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly leaderEpoch: number;
  /** Where the log of the client stops being this one's; nothing is read then. */
  readonly diverging: { readonly epoch: number; readonly endOffset: number } | null;
  /** Whole batches, one after the other. */
  readonly records: readonly Uint8Array[];
  readonly bytes: number;
}

export interface FetchAnswer {
  /** In the order of the request. */
  readonly partitions: readonly FetchedPartition[];
  /** Gives back the memory of the records, once they are sent. */
  release(): void;
}

const WAIT_MAX_MS = 300_000;

/** Reads from many partitions; when less than `minBytes` is there it waits for more, at most `maxWaitMs`. An error is answered at once, except
 * that a new leader does not know yet what is committed: that passes.
 * @throws the reason of the context's signal when the client has gone */
export async function fetch(parts: BrokerParts, context: RequestContext, request: FetchRequest): Promise<FetchAnswer> {
  const maxBytes = Math.min(request.maxBytes, parts.config.fetchMaxBytes);
  const minBytes = Math.min(request.minBytes, maxBytes);
  const untilMs = parts.clock.monotonicMs() + Math.min(request.maxWaitMs, WAIT_MAX_MS);
  const { partitions, isolation } = request;
  // The limits favour whoever is read first: nobody is first every time. Who keeps an order of its own turns it by itself.
  const first = request.begin === "any" && partitions.length > 1 ? parts.random.below(partitions.length) : 0;
  for (;;) {
    const looked = await mapInTurns(parts.clock, partitions, (wanted) => look(parts, wanted, isolation));
    const room = await roomFor(parts, context, partitions, looked, maxBytes);
    const { fetched, bytes } = await readLooked(parts, partitions, looked, maxBytes, first).catch((error: unknown) => {
      room.keep(0);
      throw error;
    });
    // Of what was set aside only what is really there stays.
    room.keep(bytes);
    const leftMs = context.draining?.aborted === true ? 0 : untilMs - parts.clock.monotonicMs();
    if (bytes >= minBytes || leftMs <= 0 || looked.length === 0 || fetched.some((one, i) => settled(one, looked[i]))) {
      for (let i = 0; i < fetched.length; i++) looked[i]?.partition?.traffic.fetched(fetched[i]?.bytes ?? 0);
      return { partitions: fetched, release: () => room.keep(0) };
    }
    room.keep(0);
    await new ParkedFetch(looked, minBytes - bytes).wait(parts, leftMs, context);
  }
}

function settled({ error, diverging }: FetchedPartition, looked: Looked | undefined): boolean {
  return diverging !== null || (error !== null && looked?.notYet !== true);
}

/** Sets aside the memory that the answer may take at most. */
function roomFor(
  parts: BrokerParts,
  context: RequestContext,
  partitions: readonly FetchPartition[],
  looked: readonly Looked[],
  maxBytes: number,
): AnswerRoom | Promise<AnswerRoom> {
  let largestBatch = 0;
  let wanted = 0;
  for (let i = 0; i < looked.length; i++) {
    const { partition, end } = looked[i] ?? {};
    const asked = partitions[i];
    if (!partition || asked === undefined || end === undefined || end <= asked.fetchOffset) continue;
    largestBatch = Math.max(largestBatch, partition.settings.maxMessageBytes, 1);
    wanted += Math.max(0, asked.maxBytes);
  }
  if (largestBatch === 0) return AnswerRoom.none;
  // The first batch comes also when it is larger than the request allows: a client that asks for one byte at a time takes memory too.
  const bytes = Math.min(Math.max(maxBytes, largestBatch), wanted + largestBatch);
  return AnswerRoom.take([context.answerBytes, parts.answerBytes], bytes, context.signal);
}
