import { type pb, ProtocolError, type Uuid } from "@ottla/protocol";
import { describeCluster } from "./operations/cluster.ts";
import { alterConfigs, describeConfigs } from "./operations/configs.ts";
import type { BrokerParts, RequestContext } from "./operations/context.ts";
import { deleteRecords } from "./operations/delete-records.ts";
import { type DescribedProducer, describeProducers } from "./operations/describe-producers.ts";
import { epochEnd, type EpochQuery } from "./operations/epoch-end.ts";
import { fetch, type FetchAnswer, type FetchRequest } from "./operations/fetch.ts";
import { commitOffsets, deleteGroups, deleteOffsets, fetchOffsets, listGroups } from "./operations/group-offsets.ts";
import { answerListOffsets, listOffsets, type OffsetQuery } from "./operations/list-offsets.ts";
import { describeLogDirs } from "./operations/log-dirs.ts";
import { metadata } from "./operations/metadata.ts";
import { produce, type ProducedPartition, type ProduceRequest } from "./operations/produce.ts";
import { shape } from "./operations/shape.ts";
import { createPartitions, createTopics, deleteTopics } from "./operations/topics.ts";
import type { FoundOffset } from "./partition/list-offsets.ts";

/** Everything that a broker does for a client, whatever the door. Topics go by id; what fails throws a ProtocolError, and what fails for one
 * part of a request is said with that part. */
export class Operations {
  readonly #parts: BrokerParts;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /** Fixes the order of appends before it returns. */
  produce(context: RequestContext, request: ProduceRequest): ProducedPartition[] {
    return produce(this.#parts, context, request);
  }

  fetch(context: RequestContext, request: FetchRequest): Promise<FetchAnswer> {
    return fetch(this.#parts, context, request);
  }

  listOffsets(context: RequestContext, queries: readonly OffsetQuery[]): Promise<(FoundOffset | ProtocolError)[]> {
    return listOffsets(this.#parts, context, queries);
  }

  epochEnd(query: EpochQuery): { epoch: number; endOffset: number } | ProtocolError {
    return epochEnd(this.#parts, query);
  }

  describeProducers(topicId: Uuid, partition: number): DescribedProducer[] | ProtocolError {
    return describeProducers(this.#parts, topicId, partition);
  }

  /** One that nobody had before. */
  newProducerId(): Promise<number> {
    return this.#parts.producerIds.take();
  }

  deleteRecords(context: RequestContext, call: pb.DeleteRecordsCall): Promise<pb.DeleteRecordsAnswer> {
    return deleteRecords(this.#parts, context, call);
  }

  /** Everything else, as the contract in proto/ottla/v1/client.proto describes it. */
  async call(context: RequestContext, { call }: pb.CallRequest): Promise<pb.CallResponse["answer"]> {
    const parts = this.#parts;
    switch (call.case) {
      case "metadata":
        return { case: "metadata", value: await metadata(parts, context, call.value) };
      case "createTopics":
        return { case: "createTopics", value: await createTopics(parts, context, call.value) };
      case "deleteTopics":
        return { case: "deleteTopics", value: await deleteTopics(parts, context, call.value) };
      case "createPartitions":
        return { case: "createPartitions", value: await createPartitions(parts, context, call.value) };
      case "describeConfigs":
        return { case: "describeConfigs", value: describeConfigs(parts, call.value) };
      case "alterConfigs":
        return { case: "alterConfigs", value: await alterConfigs(parts, context, call.value) };
      case "listOffsets":
        return { case: "listOffsets", value: await answerListOffsets(parts, context, call.value) };
      case "deleteRecords":
        return { case: "deleteRecords", value: await deleteRecords(parts, context, call.value) };
      case "initProducerId":
        return { case: "initProducerId", value: { producerId: await this.newProducerId(), producerEpoch: 0 } };
      case "commitOffsets":
        return { case: "commitOffsets", value: await commitOffsets(parts, context, call.value) };
      case "fetchOffsets":
        return { case: "fetchOffsets", value: await fetchOffsets(parts, context, call.value) };
      case "listGroups":
        return { case: "listGroups", value: await listGroups(parts, context, call.value) };
      case "deleteGroups":
        return { case: "deleteGroups", value: await deleteGroups(parts, context, call.value) };
      case "deleteOffsets":
        return { case: "deleteOffsets", value: await deleteOffsets(parts, context, call.value) };
      case "describeCluster":
        return { case: "describeCluster", value: describeCluster(parts, context) };
      case "describeLogDirs":
        return { case: "describeLogDirs", value: await describeLogDirs(parts, call.value) };
      case "reassignPartitions":
      case "electLeaders":
      case "drainBroker":
      case "removeBroker":
      case "alterReplicationFactor":
      case "changeVoters":
      case "updateFeatures":
      case "describeEvents":
      case "describeQuorum":
        return shape(parts, context, call);
      case undefined:
        throw new ProtocolError("INVALID_REQUEST", "The call names nothing to do, or something that this version does not know");
    }
  }
}
