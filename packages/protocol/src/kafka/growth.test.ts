import { expect, test } from "vitest";
import { apis } from "./apis.ts";
import { decodeResponse, encodeResponse } from "./codec.ts";

// The buffer that is written into begins with 16 KiB and is replaced whenever it is full. Whatever is written there then must be in the new one.
test.each([11, 12])("an answer larger than the writer's buffer is whole, whichever field the buffer ends at (Fetch v%i)", (version) => {
  for (let shift = 0; shift < 120; shift++) {
    const partitions = Array.from({ length: 100 }, (_, partitionIndex) => ({
      partitionIndex,
      errorCode: 5,
      highWatermark: 0x1_2345_6789 + partitionIndex,
      lastStableOffset: 77,
      logStartOffset: 3,
      abortedTransactions: [{ producerId: 9, firstOffset: 8 }],
      preferredReadReplica: 2,
      records: [new Uint8Array(100).fill(7), new Uint8Array(20).fill(8)],
      ...(version >= 12 ? { currentLeader: { leaderId: 4, leaderEpoch: 6 } } : {}),
    }));
    const topic = "t".repeat(shift);
    const frame = Buffer.concat(encodeResponse(apis.fetch, version, 1, { sessionId: 4, responses: [{ topic, partitions }] }));
    expect(frame.length).toBeGreaterThan(16 * 1024);
    const { body } = decodeResponse(apis.fetch, version, frame);
    expect(body.responses[0]?.topic).toBe(topic);
    for (const [i, one] of (body.responses[0]?.partitions ?? []).entries()) {
      const { records, ...rest } = partitions[i] ?? {};
      expect(one).toMatchObject(rest);
      expect(Buffer.compare(Buffer.from(one.records ?? []), Buffer.concat(records ?? []))).toBe(0);
    }
  }
});
