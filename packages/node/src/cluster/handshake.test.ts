import { memoryHost, type Attributes } from "@ottla/host";
import { services, testConfig } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import { ClientDoors } from "../doors/client-doors.ts";
import { NodeDoor } from "../doors/node-door.ts";
import { dialNode } from "./dial.ts";

async function nodeTwo() {
  const host = memoryHost({ hostName: "two" });
  const { network } = host;
  const config = testConfig({ nodeId: 2, nodeListeners: [{ host: "two", port: 9095 }], grpcListeners: [{ host: "two", port: 9093 }] });
  const clients = new ClientDoors(config, network, () => nodes.name);
  const nodes = new NodeDoor({ config, network, clusterId: () => "cluster-a", clientDoors: () => clients.bootstrap });
  await nodes.open();
  await clients.open();
  const one = memoryHost({ beside: host, hostName: "one" });
  const dial = (attributes: Attributes, expected: number | null = 2, service: string = services.raft, port = 9095) =>
    one.clock.run(
      dialNode(one, { host: "two", port }, expected, service, { "ottla-node-id": "1", ...attributes }, new AbortController().signal),
    );
  return { nodes, clients, dial, one };
}

describe("a node that is dialled", () => {
  test("says who it is to whoever belongs here, or does not know yet where it belongs", async () => {
    const { nodes, dial } = await nodeTwo();
    nodes.serve([{ name: services.raft, accept: () => ({ "ottla-directory-id": "d" }) }]);
    for (const attributes of [{ "ottla-cluster-id": "cluster-a" }, {}]) {
      const session = await dial(attributes, null);
      expect(session.attributes).toEqual({
        "ottla-protocol": "1",
        "ottla-node-id": "2",
        "ottla-cluster-id": "cluster-a",
        "ottla-directory-id": "d",
      });
    }
  });

  test("asks to come again while it starts", async () => {
    const { dial } = await nodeTwo();
    await expect(dial({})).rejects.toMatchObject({ reason: { code: "BROKER_NOT_AVAILABLE" } });
  });

  test.each<[string, Attributes, number | null, string, string]>([
    ["another node is expected", {}, 3, "WRONG_NODE", "Node 2 is at two:9095, not node 3; correct the address of node 3"],
    [
      "another cluster",
      { "ottla-cluster-id": "cluster-b" },
      2,
      "INCONSISTENT_CLUSTER_ID",
      "cluster cluster-a, the dialling node 1 to cluster cluster-b",
    ],
    [
      "a protocol of the future",
      { "ottla-protocol": "2-3" },
      2,
      "UNSUPPORTED_PROTOCOL",
      "in versions 1-1, the dialling node in versions 2-3",
    ],
    ["no protocol", { "ottla-protocol": "" }, 2, "UNSUPPORTED_PROTOCOL", "run releases that have one in common"],
    ["its own id", { "ottla-node-id": "2" }, null, "DUPLICATE_BROKER_REGISTRATION", "give one of them another node.id"],
    ["no id", { "ottla-node-id": "x" }, 2, "INVALID_REQUEST", "needs ottla-node-id"],
  ])("refuses by name: %s", async (_, attributes, expected, code, text) => {
    const { nodes, dial } = await nodeTwo();
    let heard = 0;
    nodes.serve([{ name: services.raft, accept: () => ({ heard: String((heard += 1)) }) }]);
    const refused = dial(attributes, expected);
    await expect(refused).rejects.toMatchObject({ reason: { kind: "rejected", code } });
    await expect(refused).rejects.toThrow(text);
    expect(heard).toBe(0);
  });
});

describe("the wrong door", () => {
  test.each([services.produce, services.fetch, services.call])(
    "%s does not answer between nodes, and hears where it does",
    async (service) => {
      const { dial } = await nodeTwo();
      await expect(dial({}, 2, service)).rejects.toThrow(
        "This is the door of node 2 for other nodes (node.listeners); its door for clients (grpc.listeners) is two:9093",
      );
    },
  );

  test.each([services.raft, services.session, services.metadata, services.replication])(
    "%s does not answer on a client's door",
    async (service) => {
      const { dial } = await nodeTwo();
      await expect(dial({}, 2, service, 9093)).rejects.toThrow(
        "This is the door of node 2 for clients (grpc.listeners); its door for nodes (node.listeners) is two:9095",
      );
    },
  );

  test("a server that is not a door of a node is named with the setting", async () => {
    const { dial, one } = await nodeTwo();
    await one.network.listen({ host: "one", port: 7 }, [], { maxFrameBytes: 1, maxSessions: 1 });
    const dialled = dialNode(one, { host: "one", port: 7 }, 2, services.raft, { "ottla-node-id": "1" }, new AbortController().signal);
    await expect(dialled).rejects.toThrow("one:7 is no door between nodes; name the address of node.listeners of node 2");
    await expect(dial({}, 2, services.raft, 8)).rejects.toMatchObject({ reason: { kind: "refused" } });
  });

  test("a peer that does not answer is given up after two seconds", async () => {
    const { dial, one } = await nodeTwo();
    one.network.trouble({ stalled: true });
    await expect(dial({})).rejects.toMatchObject({ reason: { kind: "timeout" } });
    expect(one.clock.monotonicMs()).toBe(2000);
  });
});
