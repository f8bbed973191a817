import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fuzzKafka } from "./kafka/run.ts";

test("malformed Kafka frames are refused or answered, and others served meanwhile", { timeout: 60_000 }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "ottla-fuzz-"));
  try {
    const { served, cases } = await fuzzKafka({ seed: 20_261_122, from: 0, until: 500, dataDir, lanes: 8, progress: () => {} });
    expect(served.rounds).toBeGreaterThan(0);
    expect(cases.foreign).toMatchObject({ answered: 0 });
    expect(cases["unknown API"]).toMatchObject({ answered: 0 });
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});
