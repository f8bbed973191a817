import { expect } from "vitest";
import type { Place } from "../client.ts";
import { content, plain, type Sent } from "../record.ts";
import type { Cluster } from "../rig/cluster.ts";
import { able, type Feature } from "./feature.ts";

const everyMs = 2;
const more = 300;

export const failover = {
  "produce-failover": {
    title: "goes on producing while the leader is killed: nothing lost, nothing doubled",
    nodes: 3,
    kills: true,
    async check(session, cluster) {
      const place = { topic: await cluster.topic(1), partition: 0 };
      const sent: Sent[] = [];
      await able(session.produce)(place, killedUnderWay(cluster, place, sent), { idempotent: true });
      await cluster.revive(place);
      expect((await cluster.readAll(place)).map(content)).toEqual(sent.map(content));
    },
  },
  "read-failover": {
    title: "goes on reading while the leader is killed: nothing skipped, nothing twice",
    nodes: 3,
    kills: true,
    async check(session, cluster) {
      const place = { topic: await cluster.topic(1), partition: 0 };
      const before = plain(1000);
      await cluster.write(place, before);
      const sent: Sent[] = [];
      const [stored] = await Promise.all([
        able(session.read)(place, { offset: 0 }, before.length + 2 * more),
        cluster.write(place, killedUnderWay(cluster, place, sent)),
      ]);
      await cluster.revive(place);
      expect(stored.map(content)).toEqual([...before, ...sent].slice(0, before.length + 2 * more).map(content));
      expect(stored.map(({ offset }) => offset)).toEqual(stored.map((_, at) => at));
    },
  },
  verifiable: {
    title: "VerifiableProducer says what was acknowledged",
    nodes: 1,
    async check(session, cluster) {
      const place = { topic: await cluster.topic(1), partition: 0 };
      const values = await able(session.verifiableProducer)(place, 2000, -1, () => {});
      const stored = await cluster.readAll(place);
      expect(stored.map(({ value }) => value)).toEqual(values);
      // It lets its own time pass, from the one it was given on.
      const times = stored.map(({ timestampMs }) => timestampMs);
      expect([times[0], times.toSorted((a, b) => a - b)]).toEqual([Date.UTC(2026, 0, 1), times]);
    },
  },
  "verifiable-failover": {
    title: "VerifiableProducer goes on while the leader is killed: nothing lost, nothing doubled",
    nodes: 3,
    kills: true,
    async check(session, cluster) {
      const place = { topic: await cluster.topic(1), partition: 0 };
      let kill: Promise<void> | undefined;
      const values = await able(session.verifiableProducer)(place, 3000, 800, (soFar) => {
        if (soFar >= 600) kill ??= cluster.killLeader(place);
      });
      await kill;
      await cluster.revive(place);
      expect(values.length).toBe(3000);
      expect((await cluster.readAll(place)).map(({ value }) => value).toSorted()).toEqual(values.toSorted());
    },
  },
  performance: {
    title: "ProducerPerformance's records arrive, compressed",
    nodes: 1,
    async check(session, cluster) {
      const place = { topic: await cluster.topic(1), partition: 0 };
      const payloads = plain(20).map(({ value }) => value ?? "");
      expect(await able(session.performanceProducer)(place, payloads, 20_000, "lz4")).toBe(20_000);
      const stored = await cluster.readAll(place);
      expect(stored.length).toBe(20_000);
      expect([...new Set(stored.map(({ value }) => value ?? ""))].toSorted()).toEqual(payloads.toSorted());
    },
  },
} as const satisfies Record<string, Feature>;

/** Records at a pace; after the first hundreds the leader of the partition is killed, and they end some hundreds after another one leads. */
async function* killedUnderWay(cluster: Cluster, place: Place, sent: Sent[]): AsyncIterable<Sent> {
  let until = Infinity;
  let failure: unknown = null;
  for (let at = 0; at < until; at += 1) {
    const [record] = plain(1, at);
    if (!record) throw new Error("plain(1) makes one record");
    sent.push(record);
    yield record;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    if (failure !== null) throw failure;
    if (at === more)
      cluster
        .killLeader(place)
        .then(() => cluster.untilLed(place))
        .then(
          () => (until = sent.length + more),
          (error: unknown) => (failure = error),
        );
  }
}
