import { BadValue, type Setting } from "./setting.ts";

/** When a partition's log is synced to its disk. `commit`: before any acknowledgement. `interval`: at least every `ms` milliseconds.
 * `os`: whenever the operating system writes it. */
export type FlushPolicy = { readonly kind: "commit" } | { readonly kind: "os" } | { readonly kind: "interval"; readonly ms: number };

const maxIntervalMs = 86_400_000;
const allowed = `commit, os, or interval:<ms> with 1 to ${maxIntervalMs} milliseconds, such as interval:1000`;

export function flushPolicy(options: { default: FlushPolicy; doc: string }): Setting<FlushPolicy> {
  return {
    type: "string",
    default: options.default,
    allowed,
    doc: options.doc,
    parse(text) {
      const trimmed = text.trim();
      if (trimmed === "commit" || trimmed === "os") return { kind: trimmed };
      const ms = Number(/^interval:(\d{1,8})$/.exec(trimmed)?.[1]);
      if (!(ms >= 1 && ms <= maxIntervalMs)) throw new BadValue(`must be ${allowed}`);
      return { kind: "interval", ms };
    },
    format: (policy) => (policy.kind === "interval" ? `interval:${policy.ms}` : policy.kind),
  };
}
