import { int, long } from "../kinds.ts";

const minute = 60_000;
const hour = 60 * minute;

/** Committed offsets and idempotent producers. */
export const groupSettings = {
  offsetsRetentionMinutes: int({
    default: 7 * 24 * 60,
    min: 1,
    doc: "A committed offset is forgotten so many minutes after the last commit of its group for the partition.",
  }),
  offsetsRetentionCheckIntervalMs: long({
    default: 10 * minute,
    min: 1,
    max: 2_147_483_647,
    doc: "Time between two looks for committed offsets to forget, in milliseconds.",
  }),
  offsetMetadataMaxBytes: int({
    default: 4096,
    min: 0,
    max: 1_000_000,
    doc: "The longest text that may be committed with an offset, in bytes.",
  }),
  producerIdExpirationMs: long({
    default: 24 * hour,
    min: 1,
    doc: "The sequence of an idempotent producer is forgotten so many milliseconds after its last batch in a partition.",
  }),
} as const;
