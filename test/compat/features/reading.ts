import { expect } from "vitest";
import { codecs, content, plain, type Sent } from "../record.ts";
import { storedBatches } from "../rig/stored-batches.ts";
import { able, type Feature } from "./feature.ts";

const someTime = Date.UTC(2026, 0, 1);

const everyField: readonly Sent[] = [
  {
    key: "key",
    value: "value ä€😀",
    headers: [
      ["a", "1"],
      ["b", "2"],
    ],
    timestampMs: someTime,
  },
  { key: null, value: "no key", headers: [], timestampMs: someTime + 1 },
  { key: "", value: "an empty key", headers: [["a", "1"]], timestampMs: someTime + 2 },
  { key: "no value", value: null, headers: [], timestampMs: someTime + 3 },
  { key: "an empty value", value: "", headers: [], timestampMs: someTime + 4 },
];

export const reading = {
  "read-offset": {
    title: "reads a partition from an offset on",
    nodes: 1,
    async check(session, cluster) {
      const place = { topic: await cluster.topic(3), partition: 2 };
      const records = plain(3000);
      await cluster.write(place, records);
      const stored = await able(session.read)(place, { offset: 1234 }, 1766);
      expect(stored.map(content)).toEqual(records.slice(1234).map(content));
      expect(stored.map(({ offset }) => offset)).toEqual(stored.map((_, at) => 1234 + at));
    },
  },
  "read-codecs": {
    title: "reads what was written with each codec",
    nodes: 1,
    async check(session, cluster) {
      const place = { topic: await cluster.topic(1), partition: 0 };
      const parts = codecs.map((codec, at) => ({ codec, records: plain(50, at * 50) }));
      for (const { codec, records } of parts) await cluster.writeCompressed(place, records, codec);
      expect((await storedBatches(cluster.bootstrap, place)).map(({ codec }) => codec)).toEqual(codecs);
      const stored = await able(session.read)(place, { offset: 0 }, 250);
      expect(stored.map(content)).toEqual(parts.flatMap(({ records }) => records.map(content)));
    },
  },
  "read-fields": {
    title: "reads headers, timestamps, null and empty keys and values",
    nodes: 1,
    async check(session, cluster) {
      const place = { topic: await cluster.topic(1), partition: 0 };
      await cluster.write(place, everyField);
      const stored = await able(session.read)(place, { offset: 0 }, everyField.length);
      expect(stored).toEqual(everyField.map((record, offset) => ({ ...record, offset })));
    },
  },
  "read-time": {
    title: "reads from a time on",
    nodes: 1,
    async check(session, cluster) {
      const place = { topic: await cluster.topic(1), partition: 0 };
      const records = plain(100).map((record, at) => ({ ...record, timestampMs: someTime + at * 1000 }));
      await cluster.write(place, records);
      const stored = await able(session.read)(place, { timeMs: someTime + 59_500 }, 40);
      expect(stored.map(({ offset }) => offset)).toEqual(Array.from({ length: 40 }, (_, at) => 60 + at));
    },
  },
} as const satisfies Record<string, Feature>;
