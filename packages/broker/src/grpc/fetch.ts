import type { Clock } from "@ottla/host";
import { pb, uuidFromBytes } from "@ottla/protocol";
import type { RequestMetrics } from "../metrics/requests.ts";
import type { Operations } from "../operations.ts";
import type { Conversation } from "./conversation.ts";
import { fetchFrame } from "./fetch-frame.ts";

export async function handleFetch(
  operations: Operations,
  metrics: RequestMetrics,
  clock: Clock,
  frame: Uint8Array,
  conversation: Conversation,
): Promise<void> {
  const startedMs = clock.monotonicMs();
  const { correlationId, maxWaitMs, minBytes, maxBytes, isolation, partitions } = pb.FetchRequest.decode(frame);
  const wanted = partitions.map(({ topicId, ...rest }) => ({ ...rest, topicId: uuidFromBytes(topicId), lastFetchedEpoch: -1 }));
  const answer = await conversation.waiting((context) =>
    operations.fetch(context, {
      maxWaitMs,
      minBytes,
      maxBytes,
      isolation: isolation === 1 ? "read_committed" : "read_uncommitted",
      begin: "any",
      partitions: wanted,
    }),
  );
  try {
    for (const { error } of answer.partitions) if (error !== null) metrics.failed("Fetch", error.code);
    metrics.answered("Fetch", clock.monotonicMs() - startedMs);
    await conversation.send(fetchFrame(correlationId, partitions, answer.partitions));
  } finally {
    answer.release();
  }
}
