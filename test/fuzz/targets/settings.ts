import { ConfigError, loadNodeConfig } from "@ottla/protocol";
import { orRefused, type Target } from "../target.ts";

const file = `# a node
node.id = 3
data.dir: /var/lib/ottla
grpc.listeners=0.0.0.0:9093
log.segment.bytes=\\
   1048576
log.retention.hours 24
log.flush.policy=interval:250
broker.rack=r\\u00e4ck\\t1
! the end
`;

/** The file that a node is started with. */
export function settingsTarget(): Target {
  return {
    name: "properties",
    cost: 10,
    seeds: async () => [Buffer.from(file)],
    async check(bytes) {
      const text = Buffer.from(bytes).toString("utf8");
      const loaded = await orRefused(
        () => loadNodeConfig({ file: { path: "node.properties", text } }),
        (error) => error instanceof ConfigError,
      );
      return loaded !== undefined;
    },
  };
}
