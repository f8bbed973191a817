import { delay } from "@ottla/host";
import type { pb } from "@ottla/protocol";
import { errorName, ProtocolError, uuidFromBytes } from "@ottla/protocol";
import { messageOf } from "../errors.ts";
import { backoffMs } from "./backoff.ts";
import type { CallLimits, Cluster } from "./cluster.ts";
import { Term } from "./term.ts";
import type { TopicInfo } from "./topics.ts";

const RETRY = { firstMs: 20, mostMs: 1_000 };
const ATTEMPT_MS = 5_000;
/** Longer than a leader whose disk fails needs to hand its partitions over. What lasts is damage that asking again does not mend. */
const STORAGE_PATIENCE_MS = 5_000;

export interface LeaderQuestion {
  readonly topic: TopicInfo;
  readonly partition: number;
}

interface LeaderAnswer {
  topicId: Uint8Array;
  partition: number;
  errorCode: number;
  errorMessage: string;
  leader: pb.LeaderHint | undefined;
}

/** Asks the leader of each partition, together where one broker leads several, and follows leaders that move, also from one that stands still
 * as soon as its successor is known. The topics must be watched.
 * An answer is missing from the map only if there is a ProtocolError instead. */
export async function askLeaders<Q extends LeaderQuestion, A extends LeaderAnswer>(
  cluster: Cluster,
  questions: readonly Q[],
  ask: (questions: readonly Q[], limits: CallLimits) => Promise<readonly A[]>,
  { timeoutMs = cluster.requestTimeoutMs, signal }: CallLimits,
): Promise<Map<Q, A | ProtocolError>> {
  const { clock, random } = cluster.host;
  const startedMs = clock.monotonicMs();
  const untilMs = startedMs + timeoutMs;
  const done = new Map<Q, A | ProtocolError>();
  for (let open = [...questions], attempt = 1; ; attempt++) {
    const leftMs = untilMs - clock.monotonicMs();
    const failures = new Map<Q, ProtocolError>();
    await Promise.all(
      byLeader(cluster, open, failures).map(async ({ node, asked }) => {
        using term = new Term(cluster, node, asked, signal);
        const limits = { node, timeoutMs: Math.max(1, Math.min(leftMs, ATTEMPT_MS)), signal: term.signal };
        try {
          sort(cluster, asked, await ask(asked, limits), done, failures);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          for (const question of asked) failures.set(question, error);
        }
      }),
    );
    open = open.filter((question) => !done.has(question));
    if (open.length === 0) return inOrder(questions, done);
    const pauseMs = backoffMs(random, attempt, RETRY);
    const final = clock.monotonicMs() + pauseMs >= untilMs;
    const damaged = clock.monotonicMs() - startedMs >= STORAGE_PATIENCE_MS;
    for (const question of open) {
      const failure = failures.get(question);
      const verdict = cluster.metadata.verdict(question.topic.name);
      if (verdict !== null) done.set(question, verdict);
      else if (failure !== undefined && damaged && failure.error === "KAFKA_STORAGE_ERROR") done.set(question, failure);
      else if (failure !== undefined && (final || !failure.retriable))
        done.set(question, final ? outOfTime(question, timeoutMs, failure) : failure);
    }
    open = open.filter((question) => !done.has(question));
    if (open.length === 0) return inOrder(questions, done);
    cluster.metadata.requestRefresh();
    await delay(clock, pauseMs, signal);
  }
}

function inOrder<Q, A>(questions: readonly Q[], done: ReadonlyMap<Q, A>): Map<Q, A> {
  const ordered = new Map<Q, A>();
  for (const question of questions) {
    const answer = done.get(question);
    if (answer !== undefined) ordered.set(question, answer);
  }
  return ordered;
}

/** Each partition at most once in a call, or its answers could not be told apart. */
function byLeader<Q extends LeaderQuestion>(
  cluster: Cluster,
  questions: readonly Q[],
  failures: Map<Q, ProtocolError>,
): { node: number; asked: Q[] }[] {
  const groups = new Map<string, { node: number; asked: Q[] }>();
  const times = new Map<string, number>();
  for (const question of questions) {
    const { topic, partition } = question;
    const node = cluster.metadata.partition(topic.id, partition)?.leader ?? -1;
    if (node < 0 || cluster.link(node) === undefined) {
      failures.set(question, new ProtocolError("LEADER_NOT_AVAILABLE", `${topic.name}-${partition} has no leader that can be reached`));
      continue;
    }
    const time = times.get(`${topic.id}-${partition}`) ?? 0;
    times.set(`${topic.id}-${partition}`, time + 1);
    const group = groups.get(`${node}/${time}`) ?? { node, asked: [] };
    group.asked.push(question);
    groups.set(`${node}/${time}`, group);
  }
  return [...groups.values()];
}

function sort<Q extends LeaderQuestion, A extends LeaderAnswer>(
  cluster: Cluster,
  asked: readonly Q[],
  answers: readonly A[],
  done: Map<Q, A | ProtocolError>,
  failures: Map<Q, ProtocolError>,
): void {
  const found = new Map(answers.map((answer) => [`${uuidFromBytes(answer.topicId)}-${answer.partition}`, answer]));
  for (const question of asked) {
    const { topic, partition } = question;
    const answer = found.get(`${topic.id}-${partition}`);
    if (answer === undefined)
      failures.set(question, new ProtocolError("INVALID_REQUEST", `the leader left ${topic.name}-${partition} out of its answer`));
    else if (answer.errorCode === 0) done.set(question, answer);
    else {
      const error = errorName(answer.errorCode);
      failures.set(
        question,
        new ProtocolError(error, answer.errorMessage === "" ? `${topic.name}-${partition}: ${error}` : answer.errorMessage),
      );
      if (answer.leader !== undefined) cluster.metadata.hint(topic.id, partition, answer.leader);
    }
  }
}

function outOfTime({ topic, partition }: LeaderQuestion, timeoutMs: number, cause: ProtocolError): ProtocolError {
  return new ProtocolError(cause.error, `${topic.name}-${partition}: not answered within ${timeoutMs} ms; last: ${messageOf(cause)}`, {
    cause,
  });
}
