import { type pb, testConfig } from "@ottla/protocol";
import { expect, test } from "vitest";
import { addressOf } from "./addresses.ts";
import type { BrokerParts, RequestContext } from "./context.ts";

function broker(nodeId: number): pb.BrokerRecord {
  const endpoints = [
    { listener: "GRPC", host: `ottla-${nodeId}`, port: 9093 },
    { listener: "GRPC", host: "localhost", port: 9000 + nodeId },
    { listener: "NODE", host: `ottla-${nodeId}`, port: 9095 },
  ];
  return { nodeId, endpoints } as unknown as pb.BrokerRecord;
}

test.each([
  ["ottla-1", 9093, { host: "ottla-2", port: 9093 }],
  ["localhost", 9001, { host: "localhost", port: 9002 }],
  ["127.0.0.1", 9001, { host: "localhost", port: 9002 }],
  ["10.1.2.3", 9001, { host: "ottla-2", port: 9093 }],
])("a client that dialled %s:%i is told the address of the others that stands at the same place", (host, port, told) => {
  const parts = {
    nodeId: 1,
    config: testConfig({
      grpcAdvertisedListeners: [
        { host: "ottla-1", port: 9093 },
        { host: "localhost", port: 9001 },
      ],
    }),
    image: { brokers: new Map([1, 2].map((nodeId) => [nodeId, broker(nodeId)])) },
  } as unknown as BrokerParts;
  expect(addressOf(parts, { listener: "GRPC", dialled: { host, port } } as RequestContext, broker(2))).toEqual(told);
});
