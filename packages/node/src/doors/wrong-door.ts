import { NetworkError, type Service } from "@ottla/host";

/** Stand-ins for services that are behind another door of this node: whoever dials them here hears where they are. */
export function elsewhere(names: readonly string[], message: () => string): Service[] {
  return names.map((name) => ({
    name,
    accept() {
      throw new NetworkError({ kind: "rejected", code: "UNSUPPORTED_ENDPOINT_TYPE", message: message() });
    },
  }));
}
