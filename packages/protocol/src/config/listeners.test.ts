import { expect, test } from "vitest";
import { loadNodeConfig } from "./load.ts";

const load = (flags: Readonly<Record<string, string>>) => loadNodeConfig({ flags });

test.each([
  ["PLAINTEXT://localhost:9092", [{ name: "PLAINTEXT", host: "localhost", port: 9092 }]],
  ["localhost:0", [{ name: "PLAINTEXT", host: "localhost", port: 0 }]],
  ["plaintext://:9092", [{ name: "PLAINTEXT", host: "0.0.0.0", port: 9092 }]],
  [
    "PLAINTEXT://[::1]:1, SSL_FREE://h:65535",
    [
      { name: "PLAINTEXT", host: "::1", port: 1 },
      { name: "SSL_FREE", host: "h", port: 65_535 },
    ],
  ],
])("listeners=%s is read", (text, expected) => {
  const map = "PLAINTEXT:PLAINTEXT,SSL_FREE:plaintext";
  expect(load({ listeners: text, "listener.security.protocol.map": map }).config.listeners).toEqual(expected);
});

test.each([
  [{ listeners: "SSL://localhost:9092" }, "has the listener SSL, which speaks SSL: encryption and authentication are not in this version"],
  [{ listeners: "SASL_PLAINTEXT://localhost:9092" }, "which speaks SASL_PLAINTEXT"],
  [{ listeners: "INSIDE://localhost:9092" }, "listener.security.protocol.map does not say what it speaks; add INSIDE:PLAINTEXT there"],
  [{ listeners: "localhost:1,localhost:2" }, "has the listener name PLAINTEXT twice"],
  [{ listeners: "PLAINTEXT://h:1,SSL://h:1" }, "has the address h:1 twice"],
  [{ listeners: "localhost:65536" }, "a port is a number from 0 to 65535"],
  [{ listeners: "localhost" }, "write host:port"],
  [{ listeners: "" }, "must be NAME://host:port"],
  [{ listeners: "CONTROLLER://localhost:9093" }, "must be NAME://host:port"],
  [{ "advertised.listeners": "localhost:0" }, "a port is a number from 1 to 65535"],
  [{ "advertised.listeners": ":9092" }, "name the host that clients dial"],
  [{ "advertised.listeners": "0.0.0.0:9092" }, "names 0.0.0.0, which no client can dial"],
  [{ "advertised.listeners": "OTHER://h:9092" }, "has OTHER, which is no name in listeners (PLAINTEXT)"],
  [{ "listener.security.protocol.map": "INSIDE:TLS" }, "the protocols are PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL"],
  [{ "listener.security.protocol.map": "INSIDE" }, 'has the entry "INSIDE"'],
  [{ "listener.security.protocol.map": "A:PLAINTEXT,A:SSL" }, "names A twice"],
  [{ "socket.request.max.bytes": "1023" }, "a whole number from 1024"],
])("%o is refused", (flags, reason) => {
  expect(() => load(flags as Record<string, string>)).toThrow(reason);
});

test("without listeners Kafka's clients find the usual port on loopback, beside another node a free one", () => {
  expect(load({}).config.listeners).toEqual([{ name: "PLAINTEXT", host: "127.0.0.1", port: 9092 }]);
  expect(load({ "grpc.listeners": "0.0.0.0:9093" }).config.listeners).toEqual([{ name: "PLAINTEXT", host: "127.0.0.1", port: 9092 }]);
  expect(load({ "grpc.listeners": "127.0.0.1:0" }).config.listeners).toEqual([{ name: "PLAINTEXT", host: "127.0.0.1", port: 0 }]);
});

test("a listener beyond this machine is warned of", () => {
  expect(load({ listeners: "PLAINTEXT://:9092" }).warnings.join()).toContain(
    "listeners opens 0.0.0.0:9092 to the network WITHOUT ENCRYPTION OR AUTHENTICATION",
  );
  expect(load({}).warnings).toEqual([]);
});

test("the environment of a Kafka container is understood", () => {
  const { config, warnings } = loadNodeConfig({
    env: {
      KAFKA_LISTENERS: "INTERNAL://0.0.0.0:19092,EXTERNAL://0.0.0.0:9092,CONTROLLER://0.0.0.0:29093",
      KAFKA_ADVERTISED_LISTENERS: "INTERNAL://kafka-1:19092,EXTERNAL://localhost:9092",
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: "CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT",
      KAFKA_INTER_BROKER_LISTENER_NAME: "INTERNAL",
      KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
    },
  });
  expect(config.listeners.map(({ name, port }) => [name, port])).toEqual([
    ["INTERNAL", 19_092],
    ["EXTERNAL", 9092],
  ]);
  expect(config.advertisedListeners).toEqual([
    { name: "INTERNAL", host: "kafka-1", port: 19_092 },
    { name: "EXTERNAL", host: "localhost", port: 9092 },
  ]);
  const said = warnings.join("\n");
  expect(said).toContain("the entry CONTROLLER://0.0.0.0:29093 is ignored: controllers are reached through node.listeners");
  expect(said).toMatch(/inter\.broker\.listener\.name .* has no effect here: brokers reach each other through node\.listeners/);
  expect(said).toMatch(/controller\.listener\.names .* has no effect here: controllers are reached through node\.listeners/);
});
