import { assert, pb, ProtocolError, UUID_BYTES, uuidFromBytes } from "@ottla/protocol";
import type { Context } from "./context.ts";
import { consequences, takeOut, tellLeaders } from "./elections.ts";
import { writeEvent } from "./event.ts";
import { METADATA_VERSION } from "./founding.ts";

/** What the controller hears of the incarnation that is registered. */
export type Former = "gone" | "connected" | "speaks";

/** A broker is known by its incarnation: asking again gives the epoch it has. The epoch is the index of the entry that registers it. With it ends
 * whatever the former incarnation led (P1), and replicas that may lack acknowledged records stop being eligible (P9).
 * @param formerly of the incarnation registered now
 * @throws ProtocolError DUPLICATE_BROKER_REGISTRATION, UNSUPPORTED_VERSION, INVALID_REGISTRATION */
export function register(context: Context, command: pb.RegisterCommand, formerly: Former): pb.RegisterReply {
  const { draft, nodeId } = context;
  check(context, command);
  const former = draft.state.brokers.get(nodeId);
  if (former && sameBytes(former.incarnation, command.incarnation)) return { brokerEpoch: former.brokerEpoch };
  if (former && formerly === "speaks")
    throw new ProtocolError(
      "INVALID_REGISTRATION",
      `Cannot register broker ${nodeId}: another process with node.id=${nodeId} lives and speaks with the controller; give this node another node.id, or stop the other`,
    );
  if (former && formerly === "connected")
    throw new ProtocolError(
      "DUPLICATE_BROKER_REGISTRATION",
      `Cannot register broker ${nodeId}: another process with node.id=${nodeId} is connected to the controller; stop it or give this node another id. Right after a crash, try again once the former session has ended`,
    );
  assert(
    draft.index > (former?.brokerEpoch ?? 0),
    `broker ${nodeId} with epoch ${former?.brokerEpoch} is registered at index ${draft.index}`,
  );
  const { incarnation, directoryId, endpoints, rack, version, metadataVersionMin, metadataVersionMax } = command;
  const registered = {
    nodeId,
    brokerEpoch: draft.index,
    incarnation,
    directoryId,
    endpoints,
    rack,
    fenced: true,
    shuttingDown: false,
    version,
    metadataVersionMin,
    metadataVersionMax,
    draining: former?.draining ?? false,
    drainingRate: former?.drainingRate ?? 0,
  };
  if (draft.state.replies.count(nodeId) > 0)
    draft.write({ case: "removeReply", value: { nodeId, belowSequence: Number.MAX_SAFE_INTEGER } });
  draft.write({ case: "broker", value: registered });
  const changes = former ? takeOut(draft, context, nodeId, uncleanReplicas(command, former)) : [];
  const why = `Broker ${nodeId} registered with epoch ${draft.index}, version ${version}, ${pastOf(command, former)}`;
  writeEvent(draft, "registered", { nodeId }, why + consequences(changes, nodeId));
  tellLeaders(draft, changes, `broker ${nodeId} was started again`);
  return { brokerEpoch: draft.index };
}

/** Which replicas of the broker may lack acknowledged records, and what is left of them. A broker names a log as not synced only where it had
 * noted, before anything of it was acknowledged, that the flush policy was not `commit`; the present policy tells nothing of that time. */
function uncleanReplicas(command: pb.RegisterCommand, former: pb.BrokerRecord): (partition: pb.PartitionRecord) => pb.ReplicaReport | null {
  const { nodeId } = former;
  const { damaged, directoryId } = command;
  const named = new Map(damaged.map((each) => [`${uuidFromBytes(each.topicId)}-${each.partition}`, each]));
  const replaced = !sameBytes(former.directoryId, directoryId) || isOldCopy(command, former);
  return (partition) => {
    const damage = named.get(`${uuidFromBytes(partition.topicId)}-${partition.partition}`);
    if (damage) return { nodeId, lastEpoch: damage.lastEpoch, endOffset: damage.endOffset };
    return replaced ? { nodeId, lastEpoch: -1, endOffset: 0 } : null;
  };
}

/** A directory notes each incarnation before the controllers hear of it: one that does not remember the last they heard of is from before that.
 * Where nothing is remembered, a clean stop of another incarnation than the last one tells the same. */
function isOldCopy({ formerIncarnations, cleanShutdownEpoch }: pb.RegisterCommand, former: pb.BrokerRecord): boolean {
  if (formerIncarnations.length > 0) return !formerIncarnations.some((each) => sameBytes(each, former.incarnation));
  return cleanShutdownEpoch !== 0 && cleanShutdownEpoch !== former.brokerEpoch;
}

function pastOf(command: pb.RegisterCommand, former: pb.BrokerRecord | undefined): string {
  const { damaged, directoryId, cleanShutdownEpoch } = command;
  if (!former) return "for the first time";
  if (!sameBytes(former.directoryId, directoryId)) return "with another data directory: what the former held is gone";
  if (isOldCopy(command, former)) {
    const stop = cleanShutdownEpoch === 0 ? "" : ` (stopped in epoch ${cleanShutdownEpoch})`;
    return `with a data directory from before its epoch ${former.brokerEpoch}${stop}: an old copy, which counts as if it were empty`;
  }
  const count = (kind: number): number => damaged.filter((each) => each.kind === kind).length;
  const { TORN, DAMAGED, UNCLEAN } = pb.DamagedReplica_Kind;
  const stop = cleanShutdownEpoch === former.brokerEpoch ? "after a clean stop" : "without a clean stop";
  return damaged.length === 0
    ? stop
    : `${stop}: ${count(TORN)} logs cut at the end, ${count(DAMAGED)} damaged, ${count(UNCLEAN)} not synced`;
}

function check({ draft, nodeId, metadataVersions }: Context, command: pb.RegisterCommand): void {
  const refuse = (why: string): never => {
    throw new ProtocolError("INVALID_REGISTRATION", `Cannot register broker ${nodeId}: ${why}`);
  };
  if (command.nodeId !== nodeId) refuse(`the command names node ${command.nodeId}`);
  if (command.incarnation.length !== UUID_BYTES) refuse(`its incarnation has ${command.incarnation.length} bytes instead of ${UUID_BYTES}`);
  if (command.directoryId.length !== UUID_BYTES)
    refuse(`its directory id has ${command.directoryId.length} bytes instead of ${UUID_BYTES}`);
  const nameless = command.damaged.find(({ topicId }) => topicId.length !== UUID_BYTES);
  if (nameless) refuse(`a damaged log has a topic id of ${nameless.topicId.length} bytes instead of ${UUID_BYTES}`);
  const level = draft.state.features.get(METADATA_VERSION) ?? metadataVersions.max;
  if (level < command.metadataVersionMin || level > command.metadataVersionMax)
    throw new ProtocolError(
      "UNSUPPORTED_VERSION",
      `Cannot register broker ${nodeId}: the cluster runs ${METADATA_VERSION} ${level}, the broker (version ${command.version}) supports ${command.metadataVersionMin} to ${command.metadataVersionMax}; run a version whose range holds ${level}`,
    );
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
