import type { BrokerParts } from "../../../operations/context.ts";
import type { Api } from "../../api.ts";
import { deleteRecords } from "./delete-records.ts";
import { describeProducers } from "./describe-producers.ts";
import { fetchApi } from "./fetch.ts";
import { findCoordinator } from "./find-coordinator.ts";
import { initProducerId } from "./init-producer-id.ts";
import { listOffsets } from "./list-offsets.ts";
import { offsetForLeaderEpoch } from "./offset-for-leader-epoch.ts";
import { produce } from "./produce.ts";

/** The APIs that move records. Made once for a broker: fetch sessions belong to it, not to a connection. */
export function dataApis(parts: BrokerParts): Api[] {
  return [produce, fetchApi(parts), listOffsets, deleteRecords, initProducerId, offsetForLeaderEpoch, describeProducers, findCoordinator];
}
