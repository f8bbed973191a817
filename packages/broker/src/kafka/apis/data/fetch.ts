import { assert, kafka, ProtocolError, type Uuid } from "@ottla/protocol";
import type { BrokerParts } from "../../../operations/context.ts";
import type { FetchAnswer, FetchedPartition } from "../../../operations/fetch.ts";
import { type Api, defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { wireCode } from "../../wire-error.ts";
import { boundPartitions } from "./limits.ts";
import { epochAfter, type FetchSession, WantedPartition } from "./fetch-session.ts";
import { FetchSessions } from "./fetch-sessions.ts";
import { NamedLeaders, sayByName, topicIdOf } from "./topics.ts";

const FIRST_WITH_TOPIC_IDS = 13;
/** From here on a replica says who it is in a tagged field. */
const FIRST_WITH_REPLICA_STATE = 15;
/** Epochs of a request that begins anew, with and without a session. */
const INITIAL_EPOCH = 0;
const FINAL_EPOCH = -1;
const READ_COMMITTED = 1;
/** No topic has a longer name, and none is remembered for a session. */
const TOPIC_NAME_MAX = 249;

type Request = KafkaRequest<kafka.FetchRequest>;
type Topic = kafka.FetchResponse["responses"][number];
type Row = Topic["partitions"][number];

/** What is left of a request once it is understood: nothing that holds the message it came in. */
interface Asked extends Pick<Request, "version" | "context"> {
  readonly isolationLevel: number;
  readonly sessionEpoch: number;
}

/** What one request reads, and for whom. */
interface Turn {
  readonly wanted: readonly WantedPartition[];
  /** Null: it begins anew. */
  readonly session: FetchSession | null;
  /** The client would like a session from now on. */
  readonly remember: boolean;
}

/** The sessions in it are those of all connections of a broker. */
export function fetchApi({ clock, random, config }: BrokerParts): Api {
  const sessions = new FetchSessions({ clock, random, slots: config.maxIncrementalFetchSessionCacheSlots });
  return defineApi({
    api: kafka.apis.fetch,
    // Before 4 the batches of today would have to be converted.
    versions: [4, 18],
    handle: (door, request) => handle(sessions, door, request),
  });
}

function handle(sessions: FetchSessions, door: KafkaParts, request: Request): kafka.FetchResponse | Promise<kafka.FetchResponse> {
  const { version, context, body, whenSent, inTurn } = request;
  boundPartitions("Fetch", body.topics, ({ partitions }) => partitions);
  const replicaId = version < FIRST_WITH_REPLICA_STATE ? body.replicaId : body.replicaState.replicaId;
  if (replicaId >= 0) return refuseReplica(door, version, body);
  const turn = begin(sessions, door.parts, version, body);
  if (turn instanceof ProtocolError) {
    door.metrics.failed("Fetch", turn.code);
    return { errorCode: turn.code, sessionId: 0, responses: [] };
  }
  const { maxWaitMs, minBytes, maxBytes, isolationLevel, sessionEpoch } = body;
  const isolation = isolationLevel === READ_COMMITTED ? "read_committed" : "read_uncommitted";
  const read = async (): Promise<kafka.FetchResponse> => {
    const turnOfAnswer = inTurn();
    if (turnOfAnswer !== null) await turnOfAnswer;
    const answer = await door.operations.fetch(context, {
      maxWaitMs,
      minBytes,
      maxBytes,
      isolation,
      begin: "first",
      partitions: turn.wanted,
    });
    whenSent(
      () => answer.release(),
      answer.partitions.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    return respond(sessions, door, { version, context, isolationLevel, sessionEpoch }, turn, answer);
  };
  request.messageDone();
  return read();
}

/** In the order of arrival: the epoch of a session counts its requests. */
function begin(sessions: FetchSessions, parts: BrokerParts, version: number, body: kafka.FetchRequest): Turn | ProtocolError {
  const { sessionId, sessionEpoch, topics, forgottenTopicsData } = body;
  const byIds = version >= FIRST_WITH_TOPIC_IDS;
  const idOf = ({ topic, topicId }: { topic: string; topicId: Uuid }): Uuid => (byIds ? topicId : topicIdOf(parts, topic));
  const rememberable = topics.every(({ topic }) => topic.length <= TOPIC_NAME_MAX);
  if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
    sessions.remove(sessionId);
    const wanted = topics.flatMap((asked) => {
      const topicId = idOf(asked);
      return asked.partitions.map((each) => new WantedPartition(byIds ? topicId : asked.topic, topicId, each));
    });
    return { wanted, session: null, remember: sessionEpoch === INITIAL_EPOCH && rememberable };
  }
  const session = sessions.get(sessionId);
  if (session === undefined) return noSession(sessionId);
  if (session.epoch !== sessionEpoch) return wrongEpoch(sessionId, sessionEpoch, session.epoch);
  if (session.byIds !== byIds) {
    const text = `Fetch session ${sessionId} names topics by ${byIds ? "name" : "id"} and the request by ${byIds ? "id" : "name"}`;
    return new ProtocolError("FETCH_SESSION_TOPIC_ID_ERROR", text);
  }
  if (!rememberable) {
    sessions.remove(sessionId);
    return noSession(sessionId);
  }
  if (!sessions.use(session, () => session.update(topics, forgottenTopicsData, idOf))) return noSession(sessionId);
  if (session.size === 0) {
    sessions.remove(sessionId);
    return { wanted: [], session: null, remember: false };
  }
  session.advance();
  const wanted = session.wanted();
  // A name may stand for another topic by now; an id never does.
  if (!byIds) for (const each of wanted) each.topicId = topicIdOf(parts, each.topic);
  return { wanted, session, remember: false };
}

function respond(
  sessions: FetchSessions,
  { parts, metrics }: KafkaParts,
  { version, context, isolationLevel, sessionEpoch }: Asked,
  { wanted, session, remember }: Turn,
  { partitions }: FetchAnswer,
): kafka.FetchResponse {
  if (session !== null && session.epoch !== epochAfter(sessionEpoch)) {
    // Another request of the session came meanwhile: which of the two its client believes in is not known.
    const error = wrongEpoch(session.id, sessionEpoch, session.epoch);
    metrics.failed("Fetch", error.code);
    return { errorCode: error.code, sessionId: 0, responses: [] };
  }
  const byIds = version >= FIRST_WITH_TOPIC_IDS;
  const leaders = new NamedLeaders(parts);
  const responses: Topic[] = [];
  let rows: Row[] = [];
  let topic: string | null = null;
  for (let i = 0; i < wanted.length; i++) {
    const [want, one] = [wanted[i], partitions[i]];
    assert(want !== undefined && one !== undefined, `${partitions.length} answers for ${wanted.length} partitions`);
    if (!want.tell(one) && session !== null) continue;
    if (one.bytes > 0) session?.putLast(want);
    if (want.topic !== topic) {
      ({ topic } = want);
      rows = [];
      responses.push(byIds ? { topicId: want.topicId, partitions: rows } : { topic, partitions: rows });
    }
    if (one.error !== null) metrics.failed("Fetch", one.error.code);
    rows.push(rowOf(version, isolationLevel, want, one, leaders));
  }
  const sessionId = session?.id ?? (remember ? sessions.create(byIds, wanted) : 0);
  return { errorCode: 0, sessionId, responses, nodeEndpoints: leaders.endpoints(context) };
}

function rowOf(version: number, isolationLevel: number, want: WantedPartition, one: FetchedPartition, leaders: NamedLeaders): Row {
  const { highWatermark, lastStableOffset, logStartOffset, records, error, diverging } = one;
  const row = {
    partitionIndex: want.partition,
    errorCode: 0,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    abortedTransactions: isolationLevel === READ_COMMITTED ? [] : null,
    // Never null, however empty: librdkafka takes that for a fault.
    records,
  };
  if (diverging !== null) return { ...row, divergingEpoch: diverging };
  if (error === null) return row;
  const errorCode = wireCode(
    kafka.apis.fetch.name,
    version,
    version < FIRST_WITH_TOPIC_IDS ? sayByName(error, want.topic).error : error.error,
  );
  const currentLeader = leaders.instead(error, want.topicId, want.partition);
  return { ...row, errorCode, ...(currentLeader && { currentLeader }) };
}

/** Brokers here replicate over a door of their own. */
function refuseReplica({ metrics }: KafkaParts, version: number, { topics }: kafka.FetchRequest): kafka.FetchResponse {
  const error = new ProtocolError("INVALID_REQUEST", "Replicas are not served here");
  metrics.failed("Fetch", error.code);
  const errorCode = wireCode(kafka.apis.fetch.name, version, error.error);
  const responses = topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: partitions.map(({ partition: partitionIndex }): Row => {
      return { partitionIndex, errorCode, highWatermark: -1, abortedTransactions: null, records: [] };
    }),
  }));
  return { errorCode: 0, sessionId: 0, responses };
}

function noSession(id: number): ProtocolError {
  return new ProtocolError("FETCH_SESSION_ID_NOT_FOUND", `There is no fetch session ${id}: begin another`);
}

function wrongEpoch(id: number, asked: number, epoch: number): ProtocolError {
  return new ProtocolError(
    "INVALID_FETCH_SESSION_EPOCH",
    `Fetch session ${id} is at epoch ${epoch}, the request at ${asked}: begin another`,
  );
}
