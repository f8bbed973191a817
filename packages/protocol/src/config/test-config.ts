import { nodeDefaults, withDerivedDefaults, type NodeConfig } from "./node-settings.ts";

/** The defaults on free ports, with what a test changes. Values are not checked: a test may take segments of 100 bytes. */
export function testConfig(overrides: Partial<NodeConfig> = {}): NodeConfig {
  const free = [{ host: "127.0.0.1", port: 0 }];
  const config = { ...nodeDefaults(), dataDir: "/data", grpcListeners: free, httpListeners: free, ...overrides };
  return overrides.controllerQuorumVoters === undefined ? withDerivedDefaults({ ...config, controllerQuorumVoters: [] }) : config;
}
