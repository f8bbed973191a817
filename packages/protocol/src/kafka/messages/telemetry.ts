import { defineApi } from "../api.ts";
import { array, bool, bytes, int16, int32, int8, string, struct, uuid } from "../schema.ts";
import { throttleTimeMs } from "./shared.ts";

/** KIP-714. */
export const getTelemetrySubscriptions = defineApi({
  key: 71,
  name: "GetTelemetrySubscriptions",
  versions: [0, 0],
  flexibleFrom: 0,
  request: struct({ clientInstanceId: uuid }),
  response: struct({
    throttleTimeMs,
    errorCode: int16,
    clientInstanceId: uuid,
    subscriptionId: int32,
    acceptedCompressionTypes: array(int8),
    pushIntervalMs: int32,
    telemetryMaxBytes: int32,
    deltaTemporality: bool,
    requestedMetrics: array(string),
  }),
});

export const pushTelemetry = defineApi({
  key: 72,
  name: "PushTelemetry",
  versions: [0, 0],
  flexibleFrom: 0,
  request: struct({
    clientInstanceId: uuid,
    subscriptionId: int32,
    terminating: bool,
    compressionType: int8,
    metrics: bytes,
  }),
  response: struct({ throttleTimeMs, errorCode: int16 }),
});
