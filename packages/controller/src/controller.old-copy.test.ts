import type { Disk } from "@ottla/host";
import { expect, test } from "vitest";
import { ClusterBroker } from "./cluster-broker.test.kit.ts";
import { DIRECTORY, TestCluster } from "./cluster.test.kit.ts";

async function filesBelow(disk: Disk, path: string): Promise<string[]> {
  const names = await disk.list(path).catch(() => null);
  if (names === null) return [path];
  const below = await Promise.all(names.map((name) => filesBelow(disk, `${path}/${name}`)));
  return below.flat();
}

async function copyOf(disk: Disk): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const path of await filesBelow(disk, DIRECTORY)) {
    const file = await disk.open(path, "read");
    const bytes = new Uint8Array(await file.size());
    await file.read(bytes, 0);
    await file.close();
    files.set(path, bytes);
  }
  return files;
}

async function putBack(disk: Disk, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const path of await filesBelow(disk, DIRECTORY)) await disk.remove(path);
  for (const [path, bytes] of files) {
    const file = await disk.open(path, "create");
    await file.write([bytes], 0);
    await file.sync();
    await file.close();
  }
  for (const path of [DIRECTORY, `${DIRECTORY}/raft`, `${DIRECTORY}/raft/entries`]) await disk.syncDirectory(path);
}

test("an old copy of a controller's directory is noticed: the leader tells it, it is set aside, and the node votes again as another voter", async () => {
  const cluster = await TestCluster.of([1, 2, 3]);
  const broker = await ClusterBroker.join(cluster);
  await broker.createTopic("orders");
  await cluster.settled();
  const leader = await cluster.leader();
  const voter = leader.nodeId === 3 ? 2 : 3;
  const before = cluster.node(voter).controller.inspect();
  cluster.crash(voter);
  const copied = cluster.node(voter).host.restart();
  const copy = await cluster.clock.run(copyOf(copied.disk));
  await cluster.start(voter, { host: copied });
  for (let offset = 1; offset <= 20; offset++) await broker.commit(offset);
  await cluster.settled();
  cluster.crash(voter);
  const host = cluster.node(voter).host.restart();
  await cluster.clock.run(putBack(host.disk, copy));
  await cluster.start(voter, { host });
  await cluster.clock.runUntil(() => {
    const inspection = cluster.node(voter).controller.inspect();
    return (
      inspection !== null &&
      inspection.directoryId !== before?.directoryId &&
      inspection.voters.some((each) => each.directoryId === inspection.directoryId)
    );
  }, 60_000);
  await cluster.settled();
  const kept = await cluster.clock.run(host.disk.list("/data"));
  expect(kept.some((name) => name.startsWith("controller.damaged-"))).toBe(true);
  const suspensions = leader.controller.samples().find(({ name }) => name === "ottla_raft_suspensions_total");
  expect(suspensions).toMatchObject({ values: [{ value: 1 }] });
  const { reply } = await broker.run({ case: "describeEvents", value: { afterNumber: 0, limit: 100 } });
  const events = reply.case === "describeEvents" ? reply.value.events : [];
  const told = events.map(({ text }) => text).filter((text) => text.includes("an old copy of its directory was restored"));
  expect(told).toEqual([
    expect.stringMatching(new RegExp(`^controller ${voter} acknowledged entries up to \\d+ and holds them up to ${before?.lastIndex}:`)),
  ]);
  const gone = [1, 2, 3].find((nodeId) => nodeId !== voter && nodeId !== leader.nodeId) ?? 0;
  cluster.crash(gone);
  await cluster.leader();
  await broker.commit(21);
  expect(await broker.committed()).toBe(21);
  expect(cluster.alive.flatMap(({ fatal }) => fatal)).toEqual([]);
  await cluster.close();
});
