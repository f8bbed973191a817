import type { Voters } from "../raft/index.ts";
import { type Greeting, listText } from "./greeting.ts";
import type { Peer } from "./options.ts";

interface Own {
  readonly nodeId: number;
  readonly listed: readonly Peer[];
}

/** Who votes and who is configured to, where they are not the same; null where they are, or nothing is configured.
 * @param addresses of the voters, as the state has them */
export function listTrouble({ nodeId, listed }: Own, voters: Voters, addresses: readonly Peer[]): string | null {
  if (listed.length === 0 || voters.length === 0) return null;
  const named = new Set(listed.map((peer) => peer.nodeId));
  if (named.size === voters.length && voters.every((voter) => named.has(voter.nodeId))) return null;
  const votes = voters.some((voter) => voter.nodeId === nodeId);
  // It founded a cluster of its own, which has grown since.
  if (votes && named.size === 1 && named.has(nodeId)) return null;
  const known = addresses.filter((peer) => voters.some((voter) => voter.nodeId === peer.nodeId));
  const theirs = known.length === voters.length ? listText(known) : voters.map((voter) => voter.nodeId).join(",");
  const follows = votes ? "" : `, and controller ${nodeId} follows them without a vote (ottla controller add ${nodeId} gives it one)`;
  return `controller.quorum.voters of node ${nodeId} is ${listText(listed)}, but the voters of the cluster are ${theirs}${follows}; correct controller.quorum.voters of node ${nodeId}`;
}

/** Controllers take this node's streams and open none to it.
 * @param from those */
export function unreachedTrouble(nodeId: number, { host, port }: Peer["address"], from: readonly number[]): string {
  return `controller ${from.join(", ")} answers, but opens no stream to this controller ${nodeId}, which says that it is at ${host}:${port}; if that is not its own address, correct node.advertised.listeners, or its entry in controller.quorum.voters`;
}

/** Another controller has a list, and it is another one. */
export function listsDiffer({ listed }: Greeting, own: readonly Peer[]): boolean {
  return listed !== "" && own.length > 0 && listed !== listText(own);
}
