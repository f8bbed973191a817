import { kafka, murmur2, type pb, ProtocolError } from "@ottla/protocol";
import { endpointsOf } from "../../../operations/addresses.ts";
import { lookAtMany } from "../../../operations/many.ts";
import { defineApi } from "../../api.ts";
import { wireCode } from "../../wire-error.ts";
import { boundPartitions } from "./limits.ts";

const GROUP = 0;
const TRANSACTION = 1;
const FIRST_OF_MANY = 4;

interface Coordinator {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** Which broker to speak with about a group. It is answered before groups themselves are, because librdkafka compresses with lz4 only where it is. */
export const findCoordinator = defineApi({
  api: kafka.apis.findCoordinator,
  versions: [0, 5],
  handle({ parts, metrics }, { version, context, body: { key, keyType, coordinatorKeys } }) {
    const count = boundPartitions("FindCoordinator", [coordinatorKeys], (keys) => keys);
    const live = endpointsOf(parts, context, parts.image.brokers.keys()).sort((a, b) => a.nodeId - b.nodeId);
    const find = (each: string): Coordinator => {
      const found = coordinatorOf(live, each, keyType);
      if (!(found instanceof ProtocolError)) return found;
      metrics.failed("FindCoordinator", found.code);
      const errorCode = wireCode(kafka.apis.findCoordinator.name, version, found.error);
      return { nodeId: -1, host: "", port: -1, errorCode, errorMessage: found.message };
    };
    if (version >= FIRST_OF_MANY)
      return { coordinators: lookAtMany(count, () => coordinatorKeys.map((each) => ({ key: each, ...find(each) }))) };
    return find(key);
  },
});

/** Any live broker relays for any group: all name the same one, so that what is asked of it can be gathered. */
function coordinatorOf(live: readonly pb.BrokerEndpoint[], key: string, keyType: number): Coordinator | ProtocolError {
  if (keyType === TRANSACTION) {
    const text = `Nobody coordinates transactional id "${key}": this version has no transactions; produce without a transactional id`;
    return new ProtocolError("INVALID_REQUEST", text);
  }
  if (keyType !== GROUP)
    return new ProtocolError("INVALID_REQUEST", `Cannot find a coordinator of kind ${keyType}: groups (${GROUP}) have one`);
  const chosen = live[(murmur2(Buffer.from(key)) & 0x7fff_ffff) % live.length];
  if (chosen === undefined)
    return new ProtocolError("COORDINATOR_NOT_AVAILABLE", "No broker is live that this listener reaches: ask again");
  return { nodeId: chosen.nodeId, host: chosen.host, port: chosen.port, errorCode: 0, errorMessage: null };
}
