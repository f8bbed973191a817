import { describe, expect, test } from "vitest";
import { ConfigError } from "./config-error.ts";
import { loadNodeConfig } from "./load.ts";
import { nodeDefaults, nodeSettings } from "./node-settings.ts";
import { dottedName, type Setting } from "./setting.ts";
import type { ConfigSources } from "./sources.ts";

const file = (text: string): ConfigSources => ({ file: { path: "server.properties", text } });
const flags = (...pairs: string[]): ConfigSources => ({
  flags: Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2) as [string, string])),
});

function refusal(sources: ConfigSources): string {
  try {
    loadNodeConfig(sources);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "accepted";
}

test("without any source the defaults hold and nothing is warned of", () => {
  const loaded = loadNodeConfig({});
  expect(loaded.config).toEqual(nodeDefaults());
  expect(loaded.warnings).toEqual([]);
  expect(loaded.config.controllerQuorumVoters).toEqual([{ nodeId: 1, address: { host: "localhost", port: 9095 } }]);
  expect(loaded.config.grpcListeners).toEqual([{ host: "127.0.0.1", port: 9093 }]);
  expect(loaded.entries.get("log.message.timestamp.before.max.ms")).toEqual({ value: "9223372036854775807", source: "default" });
});

test("every default is a value that its own setting accepts", () => {
  for (const setting of Object.values(nodeSettings) as Setting<unknown>[]) {
    if (setting.defaultText === undefined) expect(setting.parse(setting.format(setting.default), () => {})).toEqual(setting.default);
  }
});

test("a flag beats the environment, which beats the file, which beats the default, one setting at a time", () => {
  const { config, entries } = loadNodeConfig({
    file: { path: "server.properties", text: "num.partitions=2\nlog.index.interval.bytes=1\nmax.connections=7\n" },
    env: { OTTLA_NUM_PARTITIONS: "3", OTTLA_LOG_INDEX_INTERVAL_BYTES: "2", PATH: "/bin", OTTLA_BROKER_RACK: undefined },
    flags: { "num.partitions": "4" },
  });
  expect([config.numPartitions, config.logIndexIntervalBytes, config.maxConnections, config.logSegmentBytes]).toEqual([
    4, 2, 7, 1_073_741_824,
  ]);
  expect(
    ["num.partitions", "log.index.interval.bytes", "max.connections", "log.segment.bytes"].map((name) => entries.get(name)?.source),
  ).toEqual(["flag", "environment", "file", "default"]);
});

test("OTTLA_ beats KAFKA_CFG_, which beats KAFKA_, and two that differ are named", () => {
  const { config, warnings } = loadNodeConfig({
    env: { OTTLA_NUM_PARTITIONS: "3", KAFKA_CFG_NUM_PARTITIONS: "2", KAFKA_NUM_PARTITIONS: "2" },
  });
  expect(config.numPartitions).toBe(3);
  expect(warnings).toEqual([
    "num.partitions is set by two environment variables: OTTLA_NUM_PARTITIONS applies, not KAFKA_CFG_NUM_PARTITIONS",
  ]);
});

test("an unknown name in a file, a flag or OTTLA_ is an error with the nearest right name and its place", () => {
  expect(refusal(file("# ours\n\nlog.segmant.bytes = 5"))).toBe(
    "Configuration error: log.segmant.bytes=5 (server.properties line 3) is not a setting; did you mean log.segment.bytes?",
  );
  expect(refusal(flags("num-partition=5"))).toContain("(flag --num-partition) is not a setting; did you mean num.partitions?");
  expect(refusal({ env: { OTTLA_DATADIR: "/x" } })).toBe(
    "Configuration error: datadir=/x (environment variable OTTLA_DATADIR) is not a setting; did you mean data.dir?",
  );
  expect(refusal(flags("retention.ms=5"))).toContain("did you mean log.retention.ms?");
  expect(refusal(flags("quux=5"))).toBe("Configuration error: quux=5 (flag --quux) is not a setting");
});

test("the value of a misspelt password is not repeated", () => {
  expect(refusal(file("ssl.keystor.password=hunter2"))).not.toContain("hunter2");
});

test("a setting of Kafka that means nothing here warns once, with what to set instead, and drops nothing else", () => {
  const { config, warnings } = loadNodeConfig({
    ...file("log.dirs=/var/lib/kafka\nnum.io.threads=8\nnum.partitions=6"),
    env: { KAFKA_ZOOKEEPER_CONNECT: "zk:2181" },
  });
  expect(config.numPartitions).toBe(6);
  expect(warnings).toEqual([
    "log.dirs (server.properties line 1) is a setting of Kafka that has no effect here: set data.dir",
    "num.io.threads (server.properties line 2) is a setting of Kafka that has no effect here",
    "zookeeper.connect (environment variable KAFKA_ZOOKEEPER_CONNECT) is a setting of Kafka that has no effect here",
  ]);
});

test("KAFKA_ variables that are no settings are ignored, all but a slip of the pen", () => {
  const env = {
    KAFKA_HEAP_OPTS: "-Xmx1G",
    KAFKA_OPTS: "",
    KAFKA_VERSION: "4.0",
    KAFKA_JMX_PORT: "9999",
    KAFKA_NUM_PARTITION: "3",
    KAFKA_CFG_NONSENSE: "1",
  };
  const { config, warnings } = loadNodeConfig({ env });
  expect(config).toEqual(nodeDefaults());
  expect(warnings).toEqual([
    "environment variable KAFKA_NUM_PARTITION is ignored: num.partition is not a setting; did you mean num.partitions?",
    "environment variable KAFKA_CFG_NONSENSE is ignored: nonsense is not a setting",
  ]);
});

test("the environment of a Kafka container in KRaft mode starts a node", () => {
  const { config, warnings } = loadNodeConfig({
    env: {
      KAFKA_NODE_ID: "1",
      KAFKA_PROCESS_ROLES: "broker,controller",
      KAFKA_CONTROLLER_QUORUM_VOTERS: "1@localhost:9093",
      KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
      KAFKA_LISTENERS: "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093",
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "1",
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: "false",
      KAFKA_LOG_RETENTION_HOURS: "24",
    },
  });
  expect([config.processRoles, config.autoCreateTopicsEnable, config.logRetentionMs]).toEqual([
    ["broker", "controller"],
    false,
    86_400_000,
  ]);
  expect(warnings).toHaveLength(3);
});

test("every problem is listed at once", () => {
  const message = refusal({ ...file("log.segment.bytes=12\nfoo.bar=1\ngrpc.listeners=nowhere\n"), env: { OTTLA_NODE_ID: "one" } });
  expect(message.split("\n")).toEqual([
    "4 configuration errors:",
    "  foo.bar=1 (server.properties line 2) is not a setting",
    "  node.id=one (environment variable OTTLA_NODE_ID) must be a whole number from 0 to 2147483647, written in digits without a unit",
    '  grpc.listeners=nowhere (server.properties line 3) has the entry "nowhere", which is not host:port; write host:port, such as 127.0.0.1:9093',
    "  log.segment.bytes=12 (server.properties line 1) must be a whole number from 1024 to 2147483647",
  ]);
});

test("a name set twice in a file is warned of, and the last applies, as in Kafka", () => {
  const { config, warnings } = loadNodeConfig(file("num.partitions=1\nnum.partitions=2"));
  expect(config.numPartitions).toBe(2);
  expect(warnings).toEqual(["num.partitions is set twice in server.properties, on lines 1 and 2: line 2 applies"]);
});

describe("log.retention", () => {
  test.each([
    [["log.retention.hours=2"], 7_200_000],
    [["log.retention.hours=2", "log.retention.minutes=3"], 180_000],
    [["log.retention.minutes=3", "log.retention.ms=5", "log.retention.hours=2"], 5],
    [["log.retention.hours=-1"], -1],
    [["log.retention.ms=-1"], -1],
    [["log.retention.ms=1"], 1],
    [["log.retention.ms=9223372036854775807"], Number.MAX_SAFE_INTEGER],
  ])("%j keeps records %d ms", (settings, ms) => {
    expect(loadNodeConfig(flags(...settings)).config.logRetentionMs).toBe(ms);
  });

  test("the finer form wins over a coarser one from a stronger source, as in Kafka, and says so", () => {
    const { config, warnings } = loadNodeConfig({ ...file("log.retention.ms=1000"), ...flags("log.retention.hours=1") });
    expect(config.logRetentionMs).toBe(1000);
    expect(warnings).toEqual([
      "log.retention.hours=1 (flag --log.retention.hours) has no effect: log.retention.ms is set by server.properties line 1",
    ]);
  });

  test.each([
    "log.retention.ms=0",
    "log.retention.ms=-2",
    "log.retention.ms=9223372036854775808",
    "log.retention.hours=0",
    "log.retention.minutes=1h",
    "log.roll.hours=0",
  ])("%s is refused", (setting) => {
    expect(refusal(flags(setting))).toContain("must be a whole number");
  });

  test("the error about a coarser form names what was written and what it comes to", () => {
    expect(refusal(flags("log.retention.hours=-2"))).toContain(
      "log.retention.hours=-2 (flag --log.retention.hours) makes log.retention.ms=-2, which must be",
    );
  });
});

describe("a number is accepted at its limit and refused one beyond", () => {
  const limits: [name: string, min: number, max: number][] = Object.entries(nodeSettings).flatMap(([key, setting]) => {
    const range = /^a whole number from (-?\d+).*? to (\d+)/.exec((setting as Setting<unknown>).allowed);
    return range === null || range[2] === "9223372036854775807" ? [] : [[dottedName(key), Number(range[1]), Number(range[2])]];
  });
  const together = [
    "queued.max.request.bytes=999999999",
    "grpc.max.message.bytes=134217728",
    "controller.heartbeat.interval.ms=10",
    "controller.election.timeout.ms=600000",
    "broker.heartbeat.interval.ms=10",
    "broker.session.timeout.ms=600000",
    "message.max.bytes=0",
  ];
  test.each(limits)("%s from %d to %d", (name, min, max) => {
    const rest = together.filter((setting) => !setting.startsWith(`${name}=`));
    for (const value of [min, max]) expect(refusal(flags(...rest, `${name}=${value}`))).toBe("accepted");
    for (const value of [min - 1, max + 1])
      expect(refusal(flags(...rest, `${name}=${value}`))).toContain(`${name}=${value} (flag --${name}) must be a whole number from ${min}`);
  });
});

describe("values that must fit together", () => {
  test.each([
    [["message.max.bytes=8323072"], ["message.max.bytes=8323073"], "64 KiB below grpc.max.message.bytes=8388608"],
    [["queued.max.request.bytes=8388608"], ["queued.max.request.bytes=8388607"], "must be at least grpc.max.message.bytes=8388608"],
    [["controller.election.timeout.ms=400"], ["controller.election.timeout.ms=399"], "twice controller.heartbeat.interval.ms=200"],
    [["broker.session.timeout.ms=1000"], ["broker.session.timeout.ms=999"], "twice broker.heartbeat.interval.ms=500"],
    [
      ["process.roles=broker", "controller.quorum.voters=2@h:9095"],
      ["process.roles=broker", "controller.quorum.voters=1@h:9095"],
      "leaves out controller, but controller.quorum.voters names node 1",
    ],
    [["process.roles=broker", "controller.quorum.bootstrap.servers=h:9095"], ["process.roles=broker"], "this node needs controllers"],
    [["controller.quorum.voters=1@h:9095"], ["controller.quorum.voters=1@0.0.0.0:9095"], "names 0.0.0.0 for node 1"],
    [["node.advertised.listeners=h:1"], ["node.advertised.listeners=[::]:1"], "which no node can dial"],
    [["grpc.advertised.listeners=h:1"], ["grpc.advertised.listeners=0.0.0.0:1"], "which no client can dial"],
  ])("%j is accepted, %j is refused", (good, bad, text) => {
    expect(refusal(flags(...good))).toBe("accepted");
    expect(refusal(flags(...bad))).toContain(text);
  });

  test("the default voter follows node.id", () => {
    expect(loadNodeConfig(flags("node.id=5")).entries.get("controller.quorum.voters")?.value).toBe("5@localhost:9095");
  });
});

describe("what follows from the place of a node in its cluster", () => {
  const both = ["controller", "broker"];
  test.each([
    ["nothing set", [], both, "127.0.0.1:9095", "1@localhost:9095"],
    ["a node beside another", ["grpc.listeners=127.0.0.1:9193"], both, "127.0.0.1:0", "1@localhost:0"],
    ["a door elsewhere", ["node.listeners=127.0.0.1:7"], both, "127.0.0.1:7", "1@localhost:7"],
    [
      "a voter on this machine",
      ["controller.quorum.voters=1@localhost:5,2@localhost:6"],
      both,
      "localhost:5",
      "1@localhost:5,2@localhost:6",
    ],
    ["a voter with a machine of its own", ["controller.quorum.voters=1@a:5,2@b:5"], both, "0.0.0.0:5", "1@a:5,2@b:5"],
    ["no voter", ["node.id=3", "controller.quorum.voters=1@a:5,2@b:5"], ["broker"], "127.0.0.1:9095", "1@a:5,2@b:5"],
    ["one that joins", ["controller.quorum.bootstrap.servers=a:5"], ["broker"], "127.0.0.1:9095", ""],
    ["a learner", ["controller.quorum.bootstrap.servers=a:5", "process.roles=controller"], ["controller"], "127.0.0.1:9095", ""],
  ])("%s", (_, settings, roles, door, voters) => {
    const { config, entries } = loadNodeConfig(flags(...settings));
    expect(config.processRoles).toEqual(roles);
    expect(entries.get("node.listeners")?.value).toBe(door);
    expect(entries.get("controller.quorum.voters")?.value).toBe(voters);
  });

  test("a door between nodes that is open to the network is warned of", () => {
    expect(loadNodeConfig(flags("node.listeners=:9095")).warnings.join()).toContain("node.listeners opens 0.0.0.0:9095 to the network");
  });
});

test.each([
  ["process.roles=broker,broker", "names the role broker twice"],
  ["process.roles=", "must be controller, broker, or both"],
  ["process.roles=broker,observer", 'has the role "observer"'],
  ["auto.create.topics.enable=yes", "must be true or false"],
  ["log.level=loud", "must be one of debug, info, warn, error, silent"],
  ["data.dir=", "must be a text that is not empty"],
  ["log.flush.policy=interval:0", "must be commit, os, or interval:<ms> with 1 to 86400000"],
  ["log.flush.policy=interval:86400001", "must be commit, os, or interval:<ms> with 1 to 86400000"],
  ["log.segment.bytes=1GB", "written in digits without a unit"],
  ["default.replication.factor=0", "must be a whole number from -1 (automatic"],
  ["min.insync.replicas=0", "except 0"],
  ["controller.quorum.voters=1@a:1,2@b:2,1@c:3", "names node 1 twice, at a:1 and c:3"],
  ["controller.quorum.voters=1@a:1,2@a:1", "has nodes 1 and 2 both at a:1"],
  ["controller.quorum.voters=localhost:9095", "which is not <node id>@host:port"],
])("%s is refused with what is allowed", (setting, text) => {
  expect(refusal(flags(setting))).toContain(text);
});

test.each([
  ["commit", { kind: "commit" }],
  ["os", { kind: "os" }],
  ["interval:1", { kind: "interval", ms: 1 }],
  ["interval:86400000", { kind: "interval", ms: 86_400_000 }],
])("log.flush.policy=%s is read", (text, policy) => {
  expect(loadNodeConfig(flags(`log.flush.policy=${text}`)).config.logFlushPolicy).toEqual(policy);
});
