import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, bool, int16, int32, int64, nullable, since, string, struct } from "../schema.ts";
import { throttleTimeMs } from "./shared.ts";

/** 2: flexible. 3: an error for the whole. 4: sizes of the volume. 5: directories that take no more partitions. */
const request = struct({ topics: nullable(array(struct({ topic: string, partitions: array(int32) }))) });

const response = struct({
  throttleTimeMs,
  errorCode: since(3, int16),
  results: array(
    struct({
      errorCode: int16,
      logDir: string,
      topics: array(
        struct({
          name: string,
          partitions: array(struct({ partitionIndex: int32, partitionSize: int64, offsetLag: int64, isFutureKey: bool })),
        }),
      ),
      totalBytes: since(4, int64, -1),
      usableBytes: since(4, int64, -1),
      isCordoned: since(5, bool),
    }),
  ),
});

export const describeLogDirs = defineApi({ key: 35, name: "DescribeLogDirs", versions: [0, 5], flexibleFrom: 2, request, response });
export type DescribeLogDirsRequest = Infer<typeof request>;
export type DescribeLogDirsResponse = Input<typeof response>;
