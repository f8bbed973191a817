import { withDerivedDefaults } from "./derived-defaults.ts";
import { nodeDefaults, type NodeConfig } from "./node-settings.ts";

/** The defaults on free ports, with what a test changes. Values are not checked: a test may take segments of 100 bytes. */
export function testConfig(overrides: Partial<NodeConfig> = {}): NodeConfig {
  const free = [{ host: "127.0.0.1", port: 0 }];
  const derived = { processRoles: [], controllerQuorumVoters: [] };
  return withDerivedDefaults({
    ...nodeDefaults(),
    ...derived,
    dataDir: "/data",
    listeners: [{ name: "PLAINTEXT", host: "127.0.0.1", port: 0 }],
    grpcListeners: free,
    httpListeners: free,
    nodeListeners: free,
    ...overrides,
  });
}
