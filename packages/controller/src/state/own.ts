import { uuidFromBytes, type pb } from "@ottla/protocol";
import type { Fact } from "./fact.ts";
import type { Topics } from "./tables/topics.ts";

/** The fact with bytes of its own: those of a decoded record are views that would keep the whole log entry or frame in memory. Facts about a
 * topic share its id. */
export function own<F extends Fact>(fact: F, topics: Topics): Fact;
export function own(fact: Fact, topics: Topics): Fact {
  switch (fact.case) {
    case "cluster":
      return {
        case: "cluster",
        value: { ...fact.value, voters: ownVoters(fact.value.voters) },
      };
    case "voters":
      return { case: "voters", value: { ...fact.value, voters: ownVoters(fact.value.voters) } };
    case "event":
      return { case: "event", value: { ...fact.value, topicId: topicId(fact.value.topicId, topics) } };
    case "broker":
      return {
        case: "broker",
        value: { ...fact.value, incarnation: fact.value.incarnation.slice(), directoryId: fact.value.directoryId.slice() },
      };
    case "topic":
      return { case: "topic", value: { ...fact.value, topicId: fact.value.topicId.slice() } };
    case "partition":
      return { case: "partition", value: { ...fact.value, topicId: topicId(fact.value.topicId, topics) } };
    case "offset":
      return { case: "offset", value: { ...fact.value, topicId: topicId(fact.value.topicId, topics) } };
    case "deletedTopic": {
      const homes = fact.value.homes.map((home) => ({ ...home, directoryId: home.directoryId.slice() }));
      return { case: "deletedTopic", value: { topicId: fact.value.topicId.slice(), homes } };
    }
    case "reply":
      return { case: "reply", value: { ...fact.value, reply: fact.value.reply.slice() } };
    default:
      return fact;
  }
}

function ownVoters(voters: readonly pb.Voter[]): pb.Voter[] {
  return voters.map((voter) => ({ ...voter, directoryId: voter.directoryId.slice() }));
}

function topicId(bytes: Uint8Array, topics: Topics): Uint8Array {
  if (bytes.length === 0) return bytes.slice();
  return topics.get(uuidFromBytes(bytes))?.idBytes ?? bytes.slice();
}
