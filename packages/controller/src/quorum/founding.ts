import type { Uuid } from "@ottla/protocol";
import type { Voters } from "../raft/index.ts";
import { listText, type Greeting } from "./greeting.ts";
import type { Link } from "./link.ts";
import type { Peer } from "./options.ts";
import { listsDiffer } from "./voter-list.ts";

/** What an empty node may do about it. */
export type Verdict =
  /** It founds the cluster, in a term after `term`. */
  | { readonly kind: "found"; readonly voters: Voters; readonly term: number }
  /** Sentences that say for what, or what is wrong. */
  | { readonly kind: "wait"; readonly waitingFor: readonly string[] };

export interface FoundingOptions {
  readonly nodeId: number;
  readonly directoryId: Uuid;
  readonly listed: readonly Peer[];
  readonly joins: boolean;
  links(): ReadonlyMap<number, Link>;
}

/** Whether a cluster may be founded here and now: only by the lowest of the listed voters, and only while it has an open stream to each of the others,
 * each of which said, when it took that stream, that it is empty and that it lists the same voters. A voter that was wiped therefore founds nothing as
 * long as a single one of the others remembers; and one that cannot be asked may be that one. */
export function mayFound({ nodeId, directoryId, listed, joins, links }: FoundingOptions, clusterId: string | null): Verdict {
  if (clusterId !== null)
    return wait([`this node belongs to cluster ${clusterId}, but its controller is empty: it waits to be fed by the others`]);
  if (!listed.some((peer) => peer.nodeId === nodeId))
    return wait([
      joins
        ? "this controller is none of those that found a cluster: it waits to be fed by the cluster that controller.quorum.bootstrap.servers names"
        : `controller.quorum.voters (${listText(listed)}) does not name this node: it waits to be fed by them`,
    ]);
  const own = listText(listed);
  const voters = [{ nodeId, directoryId: directoryId as string }];
  const waitingFor: string[] = [];
  let term = 0;
  for (const peer of listed) {
    if (peer.nodeId === nodeId) continue;
    const link = links().get(peer.nodeId);
    const theirs = link?.greeting ?? null;
    if (theirs === null) waitingFor.push(unreached(peer, link?.failure ?? null));
    else if (!theirs.empty) waitingFor.push(rejoins(theirs, listed));
    else if (theirs.listed !== own) waitingFor.push(differs(theirs, nodeId, own));
    else {
      voters.push({ nodeId: peer.nodeId, directoryId: theirs.directoryId });
      term = Math.max(term, theirs.term);
    }
  }
  if (waitingFor.length > 0) return wait(waitingFor);
  const lowest = Math.min(...listed.map((peer) => peer.nodeId));
  if (lowest !== nodeId) return wait([`controller ${lowest}, the lowest of ${own}, is to found the cluster`]);
  return { kind: "found", voters: voters.toSorted((one, other) => one.nodeId - other.nodeId), term };
}

function wait(waitingFor: readonly string[]): Verdict {
  return { kind: "wait", waitingFor };
}

function unreached({ nodeId, address: { host, port } }: Peer, failure: string | null): string {
  return `a cluster is founded once every voter can be asked; controller ${nodeId} at ${host}:${port} cannot be reached${failure === null ? "" : ` (${failure})`}`;
}

function rejoins(theirs: Greeting, own: readonly Peer[]): string {
  const { nodeId, clusterId, listed } = theirs;
  const lists = listsDiffer(theirs, own)
    ? `; its controller.quorum.voters is ${listed}, this one's is ${listText(own)}: correct the one that is wrong`
    : "";
  return `controller ${nodeId} belongs to a cluster already${clusterId === null ? "" : ` (${clusterId})`}: this empty one founds none and waits to be fed by it${lists}`;
}

function differs(theirs: Greeting, nodeId: number, own: string): string {
  return `controller.quorum.voters differs: controller ${theirs.nodeId} lists ${theirs.listed === "" ? "nobody" : theirs.listed}, this controller ${nodeId} lists ${own}; give every voter the same list`;
}
