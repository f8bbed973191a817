import type { Clock } from "@ottla/host";
import { assert, pb, uuidFromBytes } from "@ottla/protocol";
import type { RequestMetrics } from "../metrics/requests.ts";
import type { ProducedPartition } from "../operations/produce.ts";
import type { Operations } from "../operations.ts";
import type { Conversation } from "./conversation.ts";

/** Appends as the request arrives, answers when it is acknowledged. */
export async function handleProduce(
  operations: Operations,
  metrics: RequestMetrics,
  clock: Clock,
  frame: Uint8Array,
  conversation: Conversation,
): Promise<void> {
  const startedMs = clock.monotonicMs();
  const { correlationId, acks, timeoutMs, partitions } = pb.ProduceRequest.decode(frame);
  const wanted = partitions.map(({ topicId, partition, records }) => ({ topicId: uuidFromBytes(topicId), partition, records }));
  const produced = operations.produce(conversation.context, { acks, timeoutMs, partitions: wanted });
  if (acks === 0) {
    for (const outcome of produced) {
      const error = "error" in outcome ? outcome.error : await outcome.acknowledged;
      if (error === null) continue;
      metrics.failed("Produce", error.code);
      // Nobody waits for an answer: closing the stream is how the client learns that something is wrong.
      conversation.reject(error);
    }
    metrics.answered("Produce", clock.monotonicMs() - startedMs);
    return;
  }
  const answers: pb.ProducedPartition[] = [];
  for (let i = 0; i < partitions.length; i++) {
    const asked = partitions[i];
    const outcome = produced[i];
    assert(asked !== undefined && outcome !== undefined, `${produced.length} outcomes for ${partitions.length} batches`);
    answers.push(await answer(asked, outcome, metrics));
  }
  metrics.answered("Produce", clock.monotonicMs() - startedMs);
  await conversation.send([pb.ProduceResponse.encode({ correlationId, partitions: answers })]);
}

async function answer(
  { topicId, partition }: pb.ProducePartition,
  outcome: ProducedPartition,
  metrics: RequestMetrics,
): Promise<pb.ProducedPartition> {
  const error = "error" in outcome ? outcome.error : await outcome.acknowledged;
  if (error === null && !("error" in outcome)) {
    const { baseOffset, appendTimeMs, logStartOffset } = outcome;
    return {
      topicId,
      partition,
      errorCode: 0,
      errorMessage: "",
      notAppended: false,
      baseOffset,
      logAppendTimeMs: appendTimeMs,
      logStartOffset,
      leader: undefined,
    };
  }
  assert(error !== null, `a batch of partition ${partition} was refused without an error`);
  metrics.failed("Produce", error.code);
  const refused = "error" in outcome;
  return {
    topicId,
    partition,
    errorCode: error.code,
    errorMessage: error.message,
    notAppended: refused && outcome.outcome === "not-appended",
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: refused ? -1 : outcome.logStartOffset,
    leader: refused ? outcome.leader : undefined,
  };
}
