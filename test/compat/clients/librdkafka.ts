import { fileURLToPath } from "node:url";
import type { Client } from "../client.ts";
import { Driver } from "../rig/driver.ts";
import { python, versions, whyNot } from "../rig/tools.ts";
import { driven } from "./driven.ts";

const script = fileURLToPath(new URL("../drivers/librdkafka.py", import.meta.url));

export const librdkafka: Client = {
  name: "librdkafka",
  version: `librdkafka ${versions.confluentKafka}, through confluent-kafka for Python`,
  whyNot: whyNot.python,
  open: async (bootstrap) => driven(new Driver([python.program, script, bootstrap])),
  missing: {
    "log-dirs": "confluent-kafka has no such call",
    "api-versions": "it asks with every connection and shows nobody",
    quorum: "confluent-kafka has no such call",
    reassign: "confluent-kafka has no such call",
    verifiable: "a tool of Kafka's own",
    "verifiable-failover": "a tool of Kafka's own",
    performance: "a tool of Kafka's own",
  },
};
