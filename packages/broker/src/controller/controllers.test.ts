import { createSessionPair } from "@ottla/host";
import { ClusterImage } from "@ottla/metadata";
import { type NodeConfig, type pb, testConfig } from "@ottla/protocol";
import { expect, test } from "vitest";
import { Controllers } from "./controllers.ts";

function names(nodeId: number, config: Partial<NodeConfig>, options: { image?: ClusterImage; own?: boolean } = {}): string[] {
  const [session] = createSessionPair("s", {}, {}, { dialling: "a", accepting: "b" });
  const controllers = new Controllers({
    nodeId,
    config: testConfig({ nodeId, ...config }),
    image: options.image ?? new ClusterImage(),
    ownController: options.own === true ? () => Promise.resolve(session) : null,
    dialNode: () => Promise.resolve(session),
  });
  return controllers.candidates().map(({ name }) => name);
}

function imageWith(...records: pb.MetadataRecord["record"][]): ClusterImage {
  const image = new ClusterImage();
  const wrapped = records.map((record) => ({ record }));
  image.apply({ snapshot: true, complete: true, part: 0, index: 1, term: 1, controllerId: 1, records: wrapped });
  return image;
}

const voter = (nodeId: number, host: string): pb.Voter => ({ nodeId, directoryId: new Uint8Array(16), host, port: 9095 });
const listed = ["a", "b", "c"].map((host, at) => ({ nodeId: at + 1, address: { host, port: 9095 } }));

test("a voter asks itself first, then the others; each node begins with another one", () => {
  const config = { controllerQuorumVoters: listed };
  expect(names(1, config, { own: true })).toEqual(["node 1", "node 3 at c:9095", "node 2 at b:9095"]);
  expect(names(2, config, { own: true })).toEqual(["node 2", "node 1 at a:9095", "node 3 at c:9095"]);
  expect(names(4, config)).toEqual(["node 2 at b:9095", "node 3 at c:9095", "node 1 at a:9095"]);
});

test("a node that joins asks the servers it was told, and the voters once it knows them, at the addresses they have registered since", () => {
  const config = { controllerQuorumBootstrapServers: [{ host: "a", port: 9095 }], processRoles: ["broker"] };
  expect(names(9, config)).toEqual(["a:9095"]);
  const image = imageWith(
    { case: "cluster", value: { clusterId: "c", voters: [voter(1, "a"), voter(2, "b")] } },
    {
      case: "broker",
      value: {
        nodeId: 2,
        brokerEpoch: 1,
        incarnation: new Uint8Array(16),
        directoryId: new Uint8Array(16),
        endpoints: [{ listener: "NODE", host: "moved", port: 1 }],
        rack: "",
        fenced: false,
        shuttingDown: false,
        version: "",
        metadataVersionMin: 1,
        metadataVersionMax: 1,
        draining: false,
        drainingRate: 0,
      },
    },
  );
  expect(names(9, config, { image })).toEqual(["node 1 at a:9095", "node 2 at moved:1", "node 2 at b:9095"]);
});
