import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ottla } from "@ottla/client";
import { silentLogger } from "@ottla/host";
import { Node, type Settings } from "@ottla/node";
import { expect, test } from "vitest";

/** Ports that nobody listens on, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

test("real disks and sockets: three nodes found a cluster, a fourth joins it, and one restarts without a send that fails", async () => {
  const directory = await mkdtemp(join(tmpdir(), "ottla-cluster-"));
  const ports = await freePorts(6);
  const voters = [1, 2, 3].map((id) => `${id}@127.0.0.1:${ports[id - 1]}`).join(",");
  const settings = (id: number): Settings => ({
    "node.id": id,
    "data.dir": join(directory, String(id)),
    "controller.quorum.voters": voters,
    "grpc.listeners": `127.0.0.1:${ports[id + 2]}`,
    "http.listeners": "127.0.0.1:0",
  });
  const nodes = await Promise.all([1, 2, 3].map((id) => Node.start({ config: settings(id), logger: silentLogger })));
  const joins = {
    "node.id": 4,
    "data.dir": join(directory, "4"),
    "controller.quorum.bootstrap.servers": `127.0.0.1:${ports[1]}`,
    "grpc.listeners": "127.0.0.1:0",
    "http.listeners": "",
  };
  nodes.push(await Node.start({ config: joins, logger: silentLogger }));
  const ottla = new Ottla({ bootstrap: ["127.0.0.1:1", ...nodes.flatMap(({ bootstrap }) => bootstrap)] });
  try {
    expect(new Set(nodes.map(({ clusterId }) => clusterId)).size).toBe(1);
    await ottla.admin().createTopic({ name: "orders", partitions: 4, replicationFactor: 3 });
    const producer = ottla.producer();
    for (const partition of [0, 1, 2, 3]) await producer.send("orders", { value: "before", partition });
    await nodes[0]?.close();
    for (const partition of [0, 1, 2, 3]) await producer.send("orders", { value: "while it is away", partition });
    nodes[0] = await Node.start({ config: settings(1), logger: silentLogger });
    for (const partition of [0, 1, 2, 3]) expect(await producer.send("orders", { value: "after", partition })).toMatchObject({ offset: 2 });
    const { httpAddress } = nodes[0];
    expect((await fetch(`http://127.0.0.1:${httpAddress?.port}/readyz`)).status).toBe(200);
  } finally {
    await ottla.close();
    await Promise.all(nodes.map((node) => node.close()));
    await rm(directory, { recursive: true, force: true });
  }
});
