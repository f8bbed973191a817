import type { Fault } from "./faults/fault.ts";

/** How soon something has to be so after a fault. */
export interface Target {
  readonly name: string;
  readonly limitMs: number;
  readonly what: "next commit" | "led elsewhere" | "without leader" | "longest send";
}

/** What is owed after a fault that happens alone to a cluster that is whole, by what its node led.
 * @param quorum null: its absence may cost the controllers their majority */
export function targetsOf({ kind }: Fault, { led, quorum }: { led: boolean; quorum: "leader" | "voter" | null }): Target[] {
  if (quorum === null) return [];
  const both = quorum === "leader" ? ", led the controllers too" : "";
  switch (kind) {
    case "kill":
      return [
        ...(both ? [{ name: "L1 controller leader killed, next commit", limitMs: 5_000, what: "next commit" as const }] : []),
        ...(led
          ? [
              { name: `L4 killed${both}`, limitMs: both ? 2_000 : 1_000, what: "led elsewhere" as const },
              { name: `L5 longest send, leader killed${both}`, limitMs: both ? 2_000 : 1_000, what: "longest send" as const },
            ]
          : [{ name: "L6 longest send, follower killed", limitMs: 3_000, what: "longest send" as const }]),
      ];
    case "freeze":
    case "isolate":
      return [
        ...(both ? [{ name: "L2 controller leader silent, next commit", limitMs: 5_000, what: "next commit" as const }] : []),
        ...(led
          ? [
              { name: `L4 silent${both}`, limitMs: both ? 4_000 : 3_000, what: "led elsewhere" as const },
              { name: `L5 longest send, leader silent${both}`, limitMs: both ? 5_000 : 4_000, what: "longest send" as const },
            ]
          : []),
      ];
    case "stop":
      return [
        ...(both ? [{ name: "L3 controller leader stopped, time without one", limitMs: 500, what: "without leader" as const }] : []),
        ...(led ? [{ name: "L7 longest send, leader stopped", limitMs: 300, what: "longest send" as const }] : []),
      ];
    case "slow disk":
      return led ? [] : [{ name: "L6 longest send, follower slow", limitMs: 11_000, what: "longest send" }];
    default:
      return [];
  }
}
