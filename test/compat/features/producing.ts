import { expect } from "vitest";
import type { Produce, Session } from "../client.ts";
import { type Codec, codecs, content, plain, type Sent } from "../record.ts";
import type { Cluster } from "../rig/cluster.ts";
import { storedBatches } from "../rig/stored-batches.ts";
import { able, type Feature } from "./feature.ts";

const someTime = Date.UTC(2026, 0, 1);

const withHeaders: readonly Sent[] = [
  { key: "a", value: "one header", headers: [["trace", "1-ä€"]] },
  {
    key: "b",
    value: "several headers",
    headers: [
      ["trace", "2"],
      ["other", "x y"],
    ],
  },
  { key: "c", value: "none", headers: [] },
];

const nullAndEmpty: readonly Sent[] = [
  { key: null, value: "no key", headers: [] },
  { key: "", value: "an empty key", headers: [] },
  { key: "no value", value: null, headers: [] },
  { key: "an empty value", value: "", headers: [] },
];

const dated: readonly Sent[] = plain(20).map((record, at) => ({ ...record, timestampMs: someTime + at * 1000 }));

export const producing = {
  ...(Object.fromEntries(codecs.map((codec) => [`produce-${codec}`, compressed(codec)])) as Record<`produce-${Codec}`, Feature>),
  "produce-headers": {
    title: "sets headers",
    nodes: 1,
    check: async (session, cluster) => void (await produced(session, cluster, withHeaders, {})),
  },
  "produce-null": {
    title: "tells null from empty keys and values",
    nodes: 1,
    check: async (session, cluster) => void (await produced(session, cluster, nullAndEmpty, {})),
  },
  "produce-timestamps": {
    title: "sets timestamps",
    nodes: 1,
    async check(session, cluster) {
      const stored = await produced(session, cluster, dated, {});
      expect(stored.map(({ timestampMs }) => timestampMs)).toEqual(dated.map(({ timestampMs }) => timestampMs));
    },
  },
  "produce-idempotent": {
    title: "produces as an idempotent producer",
    nodes: 1,
    async check(session, cluster) {
      const place = await produced(session, cluster, plain(2000), { idempotent: true }).then((stored) => stored.place);
      const batches = await storedBatches(cluster.bootstrap, place);
      expect(batches.every(({ producerId, baseSequence }) => producerId >= 0 && baseSequence >= 0)).toBe(true);
    },
  },
} as const satisfies Record<string, Feature>;

function compressed(codec: Codec): Feature {
  return {
    title: codec === "none" ? "produces uncompressed" : `produces with ${codec}`,
    nodes: 1,
    async check(session, cluster) {
      const { place } = await produced(session, cluster, plain(500), { codec });
      // A client leaves a record as it is when compression would make it longer.
      const batches = (await storedBatches(cluster.bootstrap, place)).filter(({ recordCount }) => recordCount > 10);
      expect([...new Set(batches.map((batch) => batch.codec))]).toEqual([codec]);
    },
  };
}

/** Produces, then reads all back with another client, and compares each record. */
async function produced(session: Session, cluster: Cluster, records: readonly Sent[], how: Produce) {
  const place = { topic: await cluster.topic(1), partition: 0 };
  await able(session.produce)(place, records, how);
  const stored = await cluster.readAll(place);
  expect(stored.map(content)).toEqual(records.map(content));
  expect(stored.map(({ offset }) => offset)).toEqual(records.map((_, offset) => offset));
  return Object.assign(stored, { place });
}
