import { memoryHost, silentLogger } from "@ottla/host";
import { testConfig } from "@ottla/protocol";
import { expect, test } from "vitest";
import { KafkaDoors } from "./kafka-doors.ts";

const listeners = [
  { name: "INSIDE", host: "0.0.0.0", port: 9092 },
  { name: "OUTSIDE", host: "localhost", port: 0 },
];

test("each listener is registered by its name: as it is advertised, else by the name of the machine", async () => {
  const host = memoryHost({ hostName: "kafka-1" });
  const advertisedListeners = [{ name: "OUTSIDE", host: "kafka.example", port: 1234 }];
  const doors = new KafkaDoors(testConfig({ listeners, advertisedListeners }), host, silentLogger);
  await doors.open();
  expect(doors.endpoints()).toEqual([
    { listener: "INSIDE", host: "kafka-1", port: 9092 },
    { listener: "OUTSIDE", host: "kafka.example", port: 1234 },
  ]);
  expect(doors.bootstrap).toEqual(["127.0.0.1:9092", expect.stringMatching(/^localhost:\d+$/)]);
  await doors.close(0);
});

test("an address in use is named with the setting, and nothing stays open", async () => {
  const host = memoryHost();
  const one = new KafkaDoors(testConfig({ listeners: [{ name: "PLAINTEXT", host: "localhost", port: 7 }] }), host, silentLogger);
  await one.open();
  const taken = [
    { name: "A", host: "localhost", port: 8 },
    { name: "B", host: "localhost", port: 7 },
  ];
  const other = new KafkaDoors(testConfig({ listeners: taken }), host, silentLogger);
  await expect(other.open()).rejects.toThrow(/Cannot listen on localhost:7: the address is in use.*; set listeners to another address/);
  await one.close(0);
  const again = new KafkaDoors(testConfig({ listeners: taken }), host, silentLogger);
  await again.open();
  await again.close(0);
});
