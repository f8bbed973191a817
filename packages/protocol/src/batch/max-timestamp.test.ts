import { memoryHost } from "@ottla/host";
import { expect, test } from "vitest";
import { batchCrcMatches, writeBatchCrc } from "./checksum.ts";
import { encodeBatch, encodeBatchSync } from "./encode.ts";
import { readBatchHeader } from "./header.ts";
import { correctMaxTimestamp } from "./max-timestamp.ts";

const records = [50, 70, 60].map((timestamp) => ({ key: null, value: new Uint8Array(10), timestamp }));

function corrected(batch: Uint8Array, maxTimestamp: bigint): { returned: number; written: number; verifies: boolean } {
  new DataView(batch.buffer, batch.byteOffset).setBigInt64(35, maxTimestamp);
  writeBatchCrc(batch);
  const returned = correctMaxTimestamp(batch, readBatchHeader(batch));
  return { returned, written: readBatchHeader(batch).maxTimestamp, verifies: batchCrcMatches(batch) };
}

test.each([-1n, 49n])("a largest timestamp of %s, below that of the first record, becomes that of the records", (claimed) => {
  expect(corrected(encodeBatchSync(records), claimed)).toEqual({ returned: 70, written: 70, verifies: true });
});

test("of compressed records only the time of the first is taken", async () => {
  const batch = await encodeBatch(records, { codec: "gzip", codecs: memoryHost().codecs });
  expect(corrected(batch, -1n)).toEqual({ returned: 50, written: 50, verifies: true });
});

test("one that can be right stays as it is", () => {
  expect(corrected(encodeBatchSync(records), 50n)).toEqual({ returned: 50, written: 50, verifies: true });
});
