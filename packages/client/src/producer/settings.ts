import { OptionError } from "../errors.ts";
import { oneOf, onlyKnown, show, wholeNumber } from "../options.ts";
import type { Partitioner, ProducerOptions } from "./api.ts";

const KIB = 1024;
const MIB = KIB * KIB;

/** A record, or a batch, must fit into one message of the gRPC door (8 MiB) with its envelope. */
export const MAX_RECORD_BYTES = 8 * MIB - 64 * KIB;

export interface ProducerSettings {
  readonly acks: -1 | 0 | 1;
  readonly lingerMs: number;
  readonly batchBytes: number;
  readonly compression: "none" | "gzip" | "snappy" | "lz4" | "zstd";
  readonly maxBufferedBytes: number;
  readonly deliveryTimeoutMs: number;
  readonly idempotent: boolean;
  readonly partitioner: Partitioner | null;
}

export function producerSettings(options: ProducerOptions): ProducerSettings {
  onlyKnown("the producer", options, [
    "acks",
    "lingerMs",
    "batchBytes",
    "compression",
    "maxBufferedBytes",
    "deliveryTimeoutMs",
    "idempotent",
    "partitioner",
  ]);
  const acks = oneOf<"all" | 1 | 0>("acks", options.acks, "all", ["all", 1, 0]);
  const idempotent = oneOf("idempotent", options.idempotent, acks === "all", [true, false]);
  if (idempotent && acks !== "all")
    throw new OptionError(
      "idempotent",
      `Cannot use idempotent: true with acks: ${acks}: only acks: "all" tells that a record is safe; drop one of the two`,
    );
  const { partitioner = null } = options;
  if (partitioner !== null && typeof partitioner !== "function")
    throw new OptionError("partitioner", `Cannot use partitioner: ${show(partitioner)}: it must be a function`);
  return {
    acks: acks === "all" ? -1 : acks,
    lingerMs: wholeNumber("lingerMs", options.lingerMs, 5, { least: 0, most: 60_000, unit: "ms" }),
    batchBytes: wholeNumber("batchBytes", options.batchBytes, 256 * KIB, { least: 1, most: MAX_RECORD_BYTES, unit: "bytes" }),
    compression: oneOf("compression", options.compression, "none", ["none", "gzip", "snappy", "lz4", "zstd"]),
    maxBufferedBytes: wholeNumber("maxBufferedBytes", options.maxBufferedBytes, 32 * MIB, {
      least: KIB,
      most: 1024 * MIB * 8,
      unit: "bytes",
    }),
    deliveryTimeoutMs: wholeNumber("deliveryTimeoutMs", options.deliveryTimeoutMs, 120_000, { least: 10, most: 86_400_000, unit: "ms" }),
    idempotent,
    partitioner,
  };
}
