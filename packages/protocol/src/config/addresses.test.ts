import { expect, test } from "vitest";
import { loadNodeConfig } from "./load.ts";

const load = (name: string, value: string) => loadNodeConfig({ flags: { [name]: value } });

test.each([
  ["127.0.0.1:0", [{ host: "127.0.0.1", port: 0 }]],
  ["GRPC://localhost:65535", [{ host: "localhost", port: 65_535 }]],
  [
    "plaintext://[::1]:9093, broker.example.com:1",
    [
      { host: "::1", port: 9093 },
      { host: "broker.example.com", port: 1 },
    ],
  ],
  [":9093", [{ host: "0.0.0.0", port: 9093 }]],
  [
    "localhost:0,localhost:0",
    [
      { host: "localhost", port: 0 },
      { host: "localhost", port: 0 },
    ],
  ],
])("grpc.listeners=%s is read", (text, addresses) => {
  expect(load("grpc.listeners", text).config.grpcListeners).toEqual(addresses);
});

test.each([
  ["localhost:65536", 'has port 65536 in "localhost:65536"; a port is a number from 0 to 65535'],
  ["localhost", "write host:port"],
  ["::1:9093", "an IPv6 address stands in brackets, as in [::1]:9093"],
  ["http://localhost:9093", "has the listener name HTTP, which must be GRPC or PLAINTEXT"],
  ["SSL://localhost:9093", "encryption and authentication are not in this version"],
  ["SASL_PLAINTEXT://localhost:9093", "encryption and authentication are not in this version"],
  ["localhost:1,localhost:1", "names localhost:1 twice"],
  ["user@host:1", "which is not host:port"],
  ["", "must be host:port"],
])("grpc.listeners=%s is refused", (text, reason) => {
  expect(() => load("grpc.listeners", text)).toThrow(reason);
});

test("an advertised address has a host and a port that can be dialled", () => {
  expect(load("grpc.advertised.listeners", "kafka-1:9093").config.grpcAdvertisedListeners).toEqual([{ host: "kafka-1", port: 9093 }]);
  expect(() => load("grpc.advertised.listeners", "kafka-1:0")).toThrow("a port is a number from 1 to 65535");
  expect(() => load("grpc.advertised.listeners", ":9093")).toThrow("name the host that clients dial");
});

test("no HTTP listener closes that door", () => {
  expect(load("http.listeners", "").config.httpListeners).toEqual([]);
});

test("a CONTROLLER entry warns and is ignored", () => {
  const { config, warnings } = load("grpc.listeners", "PLAINTEXT://localhost:9093,CONTROLLER://localhost:9095");
  expect(config.grpcListeners).toEqual([{ host: "localhost", port: 9093 }]);
  expect(warnings.join()).toContain("the entry CONTROLLER://localhost:9095 is ignored");
});

test("a door open beyond this machine is warned of, a door on loopback is not", () => {
  expect(load("grpc.listeners", "0.0.0.0:9093").warnings.join()).toContain(
    "grpc.listeners opens 0.0.0.0:9093 to the network WITHOUT ENCRYPTION OR AUTHENTICATION",
  );
  expect(load("http.listeners", "[::]:9094").warnings.join()).toContain("http.listeners opens [::]:9094");
  expect(load("grpc.listeners", "127.1.2.3:1,localhost:2,[::1]:3").warnings).toEqual([]);
});
