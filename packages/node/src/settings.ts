import { loadNodeConfig, type LoadedConfig } from "@ottla/protocol";

/** Settings by their dotted names, as in a file: `{ "data.dir": "/var/lib/ottla", "grpc.listeners": "127.0.0.1:0" }`. */
export type Settings = Readonly<Record<string, string | number | boolean>>;

/** @throws ConfigError listing every problem */
export function loadSettings(settings: Settings): LoadedConfig {
  return loadNodeConfig({ flags: Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)])) });
}
