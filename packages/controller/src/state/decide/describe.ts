import type { pb } from "@ottla/protocol";
import type { Context } from "./context.ts";

/** What happened of late, oldest first. */
export function describeEvents({ draft }: Context, { afterNumber, limit }: pb.DescribeEventsCall): pb.DescribeEventsAnswer {
  const events = [...draft.state.events.after(afterNumber)];
  return { events: limit === 0 ? events : events.slice(-limit) };
}

export function describeQuorum({ quorum }: Context): pb.DescribeQuorumAnswer {
  const { nodeId, term, commitIndex, firstIndex } = quorum;
  return { leaderId: nodeId, term, commitIndex, firstIndex, members: quorum.members() };
}
