import { kafka, ProtocolError } from "@ottla/protocol";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { wireCode } from "../../wire-error.ts";

/** 5 would add answers about transactions. */
export const initProducerId = defineApi<kafka.InitProducerIdRequest, kafka.InitProducerIdResponse>({
  api: kafka.apis.initProducerId,
  versions: [0, 4],
  handle,
});

/** An idempotent producer always gets an id that nobody had before, whichever it says it has. */
async function handle(
  { operations, parts, metrics }: KafkaParts,
  { version, context, body: { transactionalId } }: KafkaRequest<kafka.InitProducerIdRequest>,
): Promise<kafka.InitProducerIdResponse> {
  const failed = (error: ProtocolError): kafka.InitProducerIdResponse => {
    metrics.failed("InitProducerId", error.code);
    return { errorCode: wireCode(kafka.apis.initProducerId.name, version, error.error), producerId: -1, producerEpoch: -1 };
  };
  if (transactionalId !== null) {
    const text = `Cannot begin transactional id "${transactionalId}": this version has no transactions; produce without a transactional id`;
    parts.logger.warn({ peer: context.peer, clientId: context.clientId }, text);
    return failed(new ProtocolError("INVALID_REQUEST", text));
  }
  try {
    return { errorCode: 0, producerId: await operations.newProducerId(), producerEpoch: 0 };
  } catch (cause) {
    // Whatever keeps the controllers from answering passes, and this is the code after which every client asks again.
    const text = `No producer id is to be had at the moment: ${cause instanceof Error ? cause.message : String(cause)}`;
    return failed(new ProtocolError("COORDINATOR_LOAD_IN_PROGRESS", text, { cause }));
  }
}
