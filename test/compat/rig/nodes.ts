import { givenNodes } from "./given-nodes.ts";
import type { Nodes } from "./cluster.ts";
import { ottlaNodes } from "./ottla-nodes.ts";

export interface NodesUnderTest {
  /** Why there is no such cluster. */
  readonly whyNot: string | null;
  readonly whyNoKills: string | null;
  start(): Promise<Nodes>;
}

/** Ottla's, or those that `--against` names. */
export function nodesUnderTest(count: 1 | 3): NodesUnderTest {
  const against = process.env["COMPAT_AGAINST"];
  const pids = process.env["COMPAT_PIDS"];
  if (against === undefined) return { whyNot: null, whyNoKills: null, start: () => ottlaNodes(count) };
  const given = against.split(",").length;
  return {
    whyNot: given === count ? null : `--against names ${given} nodes, this takes ${count}`,
    whyNoKills: pids === undefined ? "without --pids no node of the given cluster is killed" : null,
    start: () => givenNodes(against, pids),
  };
}
