import { assert, kafka, ProtocolError, type Uuid } from "@ottla/protocol";
import type { ProducedPartition } from "../../../operations/produce.ts";
import { CloseConnection, defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { wireCode } from "../../wire-error.ts";
import { boundPartitions } from "./limits.ts";
import { NamedLeaders, sayByName, topicIdOf } from "./topics.ts";

/** Before it, requests carried message sets of older formats (KIP-98). */
const FIRST_WITH_BATCHES = 3;
/** KIP-110 */
const FIRST_WITH_ZSTD = 7;
const ZSTD = 4;
const CODEC_BITS = 7;
/** The byte of a batch that the codec stands in. */
const CODEC_AT = 22;

const NOTHING = new Uint8Array(0);

type Request = KafkaRequest<kafka.ProduceRequest>;
type TopicAnswer = kafka.ProduceResponse["responses"][number];
type PartitionAnswer = TopicAnswer["partitionResponses"][number];

/** librdkafka up to 2.11.0 compresses only where version 0 is offered (KAFKA-18659), and sends 3 and above then; 0 to 2 are refused. 12 adds
 * partitions to transactions, which there are none of. */
export const produce = defineApi<kafka.ProduceRequest, kafka.ProduceResponse>({
  api: kafka.apis.produce,
  versions: [0, 11],
  /** Appends before it returns; the promise is for the acknowledgements. */
  handle(door, request) {
    request.weighs(boundPartitions("Produce", request.body.topicData, ({ partitionData }) => partitionData));
    const outcomes = append(door, request);
    return request.body.acks === 0 ? unanswered(door, outcomes) : answered(door, request, outcomes);
  },
});

/** In the order of the request. */
function append({ operations, parts }: KafkaParts, { version, context, body }: Request): ProducedPartition[] {
  const whole = refusedWhole(version, body);
  const refusals: (ProtocolError | null)[] = [];
  const partitions: { topicId: Uuid; partition: number; records: Uint8Array }[] = [];
  for (const { name, partitionData } of body.topicData) {
    const topicId = topicIdOf(parts, name);
    for (const { index, records } of partitionData) {
      const batch = records ?? NOTHING;
      const refusal = whole ?? refusedBatch(version, batch);
      refusals.push(refusal);
      if (refusal === null) partitions.push({ topicId, partition: index, records: batch });
    }
  }
  const produced = operations.produce(context, { acks: body.acks, timeoutMs: body.timeoutMs, partitions });
  if (partitions.length === refusals.length) return produced;
  let next = 0;
  return refusals.map((error) => {
    if (error !== null) return { error, outcome: "not-appended", leader: undefined };
    const one = produced[next++];
    assert(one !== undefined, `${produced.length} outcomes for ${partitions.length} batches`);
    return one;
  });
}

async function answered(
  { parts, metrics }: KafkaParts,
  { version, context, body }: Request,
  outcomes: readonly ProducedPartition[],
): Promise<kafka.ProduceResponse> {
  const leaders = new NamedLeaders(parts);
  const responses: TopicAnswer[] = [];
  let at = 0;
  for (const { name, partitionData } of body.topicData) {
    const partitionResponses: PartitionAnswer[] = [];
    for (const { index } of partitionData) {
      const outcome = outcomes[at++];
      assert(outcome !== undefined, `${outcomes.length} outcomes, and partition ${index} of ${name} is number ${at}`);
      const error = "error" in outcome ? outcome.error : await outcome.acknowledged;
      if (error !== null) {
        metrics.failed("Produce", error.code);
        const said = sayByName(error, name);
        const currentLeader = leaders.instead(error, topicIdOf(parts, name), index);
        partitionResponses.push({
          index,
          errorCode: wireCode(kafka.apis.produce.name, version, said.error),
          baseOffset: -1,
          errorMessage: said.message,
          ...(currentLeader && { currentLeader }),
        });
      } else if (!("error" in outcome)) {
        const { baseOffset, appendTimeMs: logAppendTimeMs, logStartOffset } = outcome;
        partitionResponses.push({ index, errorCode: 0, baseOffset, logAppendTimeMs, logStartOffset });
      }
    }
    responses.push({ name, partitionResponses });
  }
  return { responses, nodeEndpoints: leaders.endpoints(context) };
}

/** Nobody waits for an answer: closing the connection is how the client learns that something is wrong. */
async function unanswered({ metrics }: KafkaParts, outcomes: readonly ProducedPartition[]): Promise<null> {
  let failure: ProtocolError | null = null;
  for (const outcome of outcomes) {
    const error = "error" in outcome ? outcome.error : await outcome.acknowledged;
    if (error === null) continue;
    metrics.failed("Produce", error.code);
    failure ??= error;
  }
  if (failure !== null) throw new CloseConnection(`A produce with acks=0 failed: ${failure.message}`, { cause: failure });
  return null;
}

function refusedWhole(version: number, { transactionalId }: kafka.ProduceRequest): ProtocolError | null {
  if (version < FIRST_WITH_BATCHES) {
    return new ProtocolError(
      "UNSUPPORTED_FOR_MESSAGE_FORMAT",
      `Cannot append what a produce request of version ${version} carries: only the record batches of version ${FIRST_WITH_BATCHES} and later are accepted; use a client of Kafka 0.11 or later`,
      { notAppended: true },
    );
  }
  if (transactionalId !== null) {
    return new ProtocolError(
      "INVALID_TXN_STATE",
      `Cannot append for transactional id "${transactionalId}": this version has no transactions; send without a transactional id`,
      { notAppended: true },
    );
  }
  return null;
}

function refusedBatch(version: number, batch: Uint8Array): ProtocolError | null {
  if (version >= FIRST_WITH_ZSTD || ((batch[CODEC_AT] ?? 0) & CODEC_BITS) !== ZSTD) return null;
  return new ProtocolError(
    "UNSUPPORTED_COMPRESSION_TYPE",
    `Cannot append a batch compressed with zstd that came in a produce request of version ${version}: zstd needs version ${FIRST_WITH_ZSTD} (Kafka 2.1)`,
    { notAppended: true },
  );
}
