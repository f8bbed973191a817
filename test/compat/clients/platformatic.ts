import { fileURLToPath } from "node:url";
import type { Client } from "../client.ts";
import { Driver } from "../rig/driver.ts";
import { newerNode, versions, whyNot } from "../rig/tools.ts";
import { driven } from "./driven.ts";

const script = fileURLToPath(new URL("../drivers/platformatic.mjs", import.meta.url));

export const platformatic: Client = {
  name: "@platformatic/kafka",
  version: `@platformatic/kafka ${versions.platformaticKafka} on Node ${versions.node}`,
  whyNot: whyNot.newerNode,
  open: async (bootstrap) => driven(new Driver([newerNode.program, script, bootstrap], newerNode.directory)),
  missing: {
    "api-versions": "it asks with every connection and shows nobody",
    quorum: "it has no such call",
    reassign: "it has no such call",
    elect: "it has no such call",
    verifiable: "a tool of Kafka's own",
    "verifiable-failover": "a tool of Kafka's own",
    performance: "a tool of Kafka's own",
  },
};
