import { assert, ProtocolError, type pb, type Uuid } from "@ottla/protocol";
import { AnswerRoom } from "./answer-room.ts";
import type { BrokerParts, RequestContext } from "./context.ts";
import { asProtocolError, findPartition, leaderHint, tellsLeader } from "./find-partition.ts";
import { type Looked, ParkedFetch } from "./parked-fetch.ts";

export interface FetchRequest {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly partitions: readonly FetchPartition[];
}

export interface FetchPartition {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly fetchOffset: number;
  readonly maxBytes: number;
  readonly leaderEpoch: number;
}

export interface FetchedPartition {
  readonly error: ProtocolError | null;
  readonly leader: pb.LeaderHint | undefined;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly leaderEpoch: number;
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

/** Reads from many partitions; when less than `minBytes` is there it waits for more, at most `maxWaitMs`. An error is answered at once.
 * @throws the reason of the context's signal when the client has gone */
export async function fetch(parts: BrokerParts, context: RequestContext, request: FetchRequest): Promise<FetchAnswer> {
  const maxBytes = Math.min(request.maxBytes, parts.config.fetchMaxBytes);
  const minBytes = Math.min(request.minBytes, maxBytes);
  const untilMs = parts.clock.monotonicMs() + Math.min(request.maxWaitMs, WAIT_MAX_MS);
  // The limits favour whoever is read first: nobody is first every time.
  const first = request.partitions.length > 1 ? parts.random.below(request.partitions.length) : 0;
  for (;;) {
    const looked = request.partitions.map((wanted) => look(parts, wanted));
    const answer = await read(parts, context, { ...request, maxBytes }, looked, first);
    const bytes = answer.partitions.reduce((sum, each) => sum + each.bytes, 0);
    const leftMs = untilMs - parts.clock.monotonicMs();
    if (bytes >= minBytes || leftMs <= 0 || looked.length === 0 || answer.partitions.some(({ error }) => error !== null)) {
      answer.partitions.forEach((each, i) => looked[i]?.partition?.traffic.fetched(each.bytes));
      return answer;
    }
    answer.release();
    await new ParkedFetch(looked, minBytes - bytes).wait(parts, leftMs, context.signal);
  }
}

function look(parts: BrokerParts, wanted: FetchPartition): Looked {
  try {
    const partition = findPartition(parts, wanted.topicId, wanted.partition);
    const { epoch, end } = partition.requireReadable(wanted.leaderEpoch);
    const { startOffset, endOffset } = partition.log;
    if (wanted.fetchOffset < startOffset || wanted.fetchOffset > endOffset) {
      throw new ProtocolError(
        "OFFSET_OUT_OF_RANGE",
        `Offset ${wanted.fetchOffset} is outside of partition ${wanted.partition} of topic ${partition.topicName}, which holds ${startOffset} to ${endOffset} (its end)`,
      );
    }
    return { partition, end, epoch, error: null };
  } catch (error) {
    return { partition: null, end: -1, epoch: -1, error: asProtocolError(error) };
  }
}

async function read(
  parts: BrokerParts,
  context: RequestContext,
  request: FetchRequest,
  looked: readonly Looked[],
  first: number,
): Promise<FetchAnswer> {
  let largestBatch = 0;
  looked.forEach(({ partition, end }, i) => {
    if (partition !== null && end > (request.partitions[i]?.fetchOffset ?? end))
      largestBatch = Math.max(largestBatch, partition.settings.maxMessageBytes, 1);
  });
  // The first batch comes also when it is larger than the request allows: a client that asks for one byte at a time takes memory too.
  const room =
    largestBatch > 0
      ? await AnswerRoom.take([context.answerBytes, parts.answerBytes], Math.max(request.maxBytes, largestBatch), context.signal)
      : AnswerRoom.none;
  try {
    const fetched = new Array<FetchedPartition>(looked.length);
    let left = request.maxBytes;
    for (let n = 0; n < looked.length; n++) {
      const i = (first + n) % looked.length;
      const wanted = request.partitions[i];
      const at = looked[i];
      assert(wanted !== undefined && at !== undefined, `partition ${i} of ${looked.length}`);
      const one = await readOne(parts, wanted, at, left, left === request.maxBytes);
      fetched[i] = one;
      left = Math.max(0, left - one.bytes);
    }
    const bytes = fetched.reduce((sum, each) => sum + each.bytes, 0);
    // Of what was set aside only what is really there stays.
    room.keep(bytes);
    return { partitions: fetched, release: () => room.keep(0) };
  } catch (error) {
    room.keep(0);
    throw error;
  }
}

async function readOne(
  parts: BrokerParts,
  wanted: FetchPartition,
  at: Looked,
  left: number,
  nothingYet: boolean,
): Promise<FetchedPartition> {
  const { partition, end, epoch } = at;
  if (partition === null || at.error !== null) return failed(parts, wanted, at.error);
  const limit = Math.min(wanted.maxBytes, left);
  const none = {
    error: null,
    leader: undefined,
    highWatermark: end,
    logStartOffset: partition.log.startOffset,
    leaderEpoch: epoch,
    records: [],
    bytes: 0,
  };
  if (wanted.fetchOffset >= end || (limit <= 0 && !nothingYet)) return none;
  try {
    const { parts: records, bytes } = await partition.read(wanted.fetchOffset, end, Math.max(1, limit));
    // A log gives at least one batch. Only the first partition with records may exceed the limit by it, so that everybody gets on.
    if (bytes > limit && !nothingYet) return none;
    return { ...none, records, bytes };
  } catch (error) {
    return failed(parts, wanted, asProtocolError(error));
  }
}

function failed(parts: BrokerParts, { topicId, partition }: FetchPartition, error: ProtocolError | null): FetchedPartition {
  const leader = error !== null && tellsLeader(error) ? leaderHint(parts, topicId, partition) : undefined;
  return { error, leader, highWatermark: -1, logStartOffset: -1, leaderEpoch: -1, records: [], bytes: 0 };
}
