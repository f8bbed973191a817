import { metadataVersions } from "@ottla/metadata";
import { assert, ProtocolError, UUID_BYTES, type pb } from "@ottla/protocol";
import type { Draft } from "../draft.ts";
import type { Context } from "./context.ts";
import { electWhereLeaderless, endFormerLeadership, moveLeadershipAway } from "./elections.ts";
import { METADATA_VERSION } from "./founding.ts";

/** A broker is known by its incarnation: asking again gives the epoch it has. The epoch is the index of the entry that registers it.
 * @param formerIsAlive whether the incarnation registered now still speaks with the controller
 * @throws ProtocolError DUPLICATE_BROKER_REGISTRATION, UNSUPPORTED_VERSION, INVALID_REGISTRATION */
export function register({ draft, nodeId }: Context, command: pb.RegisterCommand, formerIsAlive: boolean): pb.RegisterReply {
  check(draft, nodeId, command);
  const former = draft.state.brokers.get(nodeId);
  if (former && sameBytes(former.incarnation, command.incarnation)) return { brokerEpoch: former.brokerEpoch };
  if (former && formerIsAlive)
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
  if (former) endFormerLeadership(draft, nodeId, registered);
  return { brokerEpoch: draft.index };
}

/** The broker no longer speaks with the controller: others lead in its place. */
export function fence(draft: Draft, nodeId: number, brokerEpoch: number): boolean {
  const broker = draft.state.brokers.get(nodeId);
  if (!broker || broker.brokerEpoch !== brokerEpoch || broker.fenced) return false;
  draft.write({ case: "broker", value: { ...broker, fenced: true } });
  moveLeadershipAway(draft, nodeId);
  return true;
}

/** The broker speaks with the controller and has seen its own registration. */
export function unfence(draft: Draft, nodeId: number, brokerEpoch: number): boolean {
  const broker = draft.state.brokers.get(nodeId);
  if (!broker || broker.brokerEpoch !== brokerEpoch || !broker.fenced || broker.shuttingDown) return false;
  const live = { ...broker, fenced: false };
  draft.write({ case: "broker", value: live });
  electWhereLeaderless(draft, live);
  return true;
}

export function shutdown({ draft, nodeId }: Context): pb.ShutdownReply {
  const broker = draft.state.brokers.get(nodeId);
  assert(broker !== undefined, `broker ${nodeId} shuts down without being registered`);
  if (broker.shuttingDown) return {};
  draft.write({ case: "broker", value: { ...broker, shuttingDown: true, fenced: true } });
  moveLeadershipAway(draft, nodeId);
  return {};
}

function check(draft: Draft, nodeId: number, command: pb.RegisterCommand): void {
  const refuse = (why: string): never => {
    throw new ProtocolError("INVALID_REGISTRATION", `Cannot register broker ${nodeId}: ${why}`);
  };
  if (command.nodeId !== nodeId) refuse(`the command names node ${command.nodeId}`);
  if (command.incarnation.length !== UUID_BYTES) refuse(`its incarnation has ${command.incarnation.length} bytes instead of ${UUID_BYTES}`);
  if (command.directoryId.length !== UUID_BYTES)
    refuse(`its directory id has ${command.directoryId.length} bytes instead of ${UUID_BYTES}`);
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
