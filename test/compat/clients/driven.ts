import type { Session } from "../client.ts";
import type { Driver } from "../rig/driver.ts";

/** A session whose work another process does. */
export function driven(
  driver: Driver,
): Required<Omit<Session, "apiVersions" | "quorum" | "reassign" | "verifiableProducer" | "performanceProducer">> {
  return {
    async produce(to, records, { codec = "none", idempotent = false }) {
      await driver.ask({ op: "producing", ...to, codec, idempotent });
      for await (const record of records) await driver.record(record);
      await driver.ask({ op: "flush" });
    },
    read: (from, at, count) => driver.ask({ op: "read", ...from, ...at, count }),
    createTopic: (topic, partitions, configs) => driver.ask({ op: "createTopic", topic, partitions, configs }),
    listTopics: () => driver.ask({ op: "listTopics" }),
    describeTopic: (topic) => driver.ask({ op: "describeTopic", topic }),
    deleteTopic: (topic) => driver.ask({ op: "deleteTopic", topic }),
    addPartitions: (topic, total) => driver.ask({ op: "addPartitions", topic, total }),
    topicConfigs: (topic) => driver.ask({ op: "configs", kind: "TOPIC", name: topic }),
    brokerConfigs: (nodeId) => driver.ask({ op: "configs", kind: "BROKER", name: String(nodeId) }),
    setTopicConfig: (topic, name, value) => driver.ask({ op: "setTopicConfig", topic, name, value }),
    offsetAt: (of, at) => driver.ask({ op: "offsetAt", ...of, at }),
    deleteRecords: (of, before) => driver.ask({ op: "deleteRecords", ...of, before }),
    cluster: () => driver.ask({ op: "cluster" }),
    logDirs: (of) => driver.ask({ op: "logDirs", ...of }),
    electPreferred: (of) => driver.ask({ op: "electPreferred", ...of }),
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  };
}
