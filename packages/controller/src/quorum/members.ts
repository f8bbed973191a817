import type { Address } from "@ottla/host";
import { uuidToBytes, type pb, type Uuid } from "@ottla/protocol";
import type { Raft, Voter } from "../raft/index.ts";
import type { Greeting } from "./greeting.ts";
import type { Peer } from "./options.ts";

const TICK_MS = 10;
const NEVER = -1;
const NOWHERE: Address = { host: "", port: 0 };

/** Voters and learners, sorted by node id; a voter that lost its directory stands beside what its node is now. Only a leader knows how far the others are. */
export function membersOf(raft: Raft, self: Peer, greetings: ReadonlyMap<number, Greeting>, addresses: readonly Peer[]): pb.QuorumMember[] {
  const voters = raft.voters?.voters ?? [];
  const followers = raft.followers;
  const learners = followers.map(({ peer }) => peer).filter((peer) => !voters.some((voter) => isSame(voter, peer)));
  const member = (who: Voter, voter: boolean): pb.QuorumMember => {
    const greeting = greetings.get(who.nodeId);
    const progress = followers.find(({ peer }) => isSame(peer, who));
    const own = who.nodeId === self.nodeId;
    const address = own ? self.address : (greeting?.address ?? addresses.find(({ nodeId }) => nodeId === who.nodeId)?.address ?? NOWHERE);
    return {
      nodeId: who.nodeId,
      directoryId: uuidToBytes(who.directoryId as Uuid),
      voter,
      host: address.host,
      port: address.port,
      matchIndex: own ? raft.durableIndex : (progress?.matchIndex ?? 0),
      silentMs: own ? 0 : progress === undefined ? NEVER : progress.silentTicks * TICK_MS,
    };
  };
  return [...voters.map((who) => member(who, true)), ...learners.map((who) => member(who, false))].toSorted(
    (one, other) => one.nodeId - other.nodeId || Number(other.voter) - Number(one.voter),
  );
}

function isSame(one: Voter, other: Voter): boolean {
  return one.nodeId === other.nodeId && one.directoryId === other.directoryId;
}
