import { createSessionPair, memoryHost, NetworkError, silentLogger, type Session } from "@ottla/host";
import { services, type Uuid } from "@ottla/protocol";
import { expect, test } from "vitest";
import { greetingAttributes } from "./greeting.ts";
import { Link } from "./link.ts";

const ADDRESS = { host: "node2", port: 9095 };

function linkToNodeTwo() {
  const { clock, ...host } = memoryHost({ hostName: "node1" });
  const dialled: Session[] = [];
  const peer = { there: false };
  const told: string[] = [];
  const theirs = greetingAttributes({
    ...{ nodeId: 2, clusterId: null, empty: true, listed: "", term: 0, address: ADDRESS, metadataVersions: { min: 1, max: 1 } },
    directoryId: "02".repeat(16) as Uuid,
  });
  const link = new Link({
    host: { clock, ...host },
    nodeId: 2,
    addresses: () => [ADDRESS],
    logger: silentLogger,
    greeting: () => ({}),
    dial: async () => {
      if (!peer.there) throw new NetworkError({ kind: "refused", message: "nothing listens there" });
      const [session] = createSessionPair(services.raft, {}, theirs, { dialling: "node1", accepting: "node2" });
      dialled.push(session);
      return session;
    },
    onGreeted: () => told.push("greeted"),
    onBroken: () => told.push("broken"),
    onLost: () => told.push("lost"),
  });
  return { link, clock, peer, dialled, told };
}

test("a peer whose stream comes is dialled at once, however long it was away", async () => {
  const { link, clock, peer } = linkToNodeTwo();
  await clock.advance(60_000);
  peer.there = true;
  link.peerStreamChanged();
  await clock.advance(1);
  expect(link.connected).toBe(true);
  await clock.run(link.close());
});

test("a stream from before is made anew with the peer's own, because it may be half open; the newest is kept", async () => {
  const { link, clock, peer, dialled, told } = linkToNodeTwo();
  peer.there = true;
  await clock.advance(5000);
  expect(dialled).toHaveLength(1);
  link.peerStreamChanged();
  await clock.advance(1);
  expect(dialled).toHaveLength(2);
  expect((await dialled[0]?.closed)?.kind).toBe("closed-here");
  // What the peer does because of that ends nothing.
  link.peerStreamChanged();
  await clock.advance(10_000);
  expect(dialled).toHaveLength(2);
  expect(told).toEqual(["greeted", "broken", "greeted"]);
  await clock.run(link.close());
});
