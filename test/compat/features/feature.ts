import type { Session } from "../client.ts";
import type { Cluster } from "../rig/cluster.ts";

/** One thing that a client can do with a cluster; the check of it is the same for all clients. */
export interface Feature {
  /** As tests and the table call it: what comes after the name of the client. */
  readonly title: string;
  readonly nodes: 1 | 3;
  /** Needs a node that may be killed. */
  readonly kills?: boolean;
  check(session: Session, cluster: Cluster): Promise<void>;
}

/** What a client that does not lack the feature must be able to do. */
export function able<What>(what: What | undefined): What {
  if (what === undefined) throw new Error("The client can not do this, and its missing features do not say so");
  return what;
}
