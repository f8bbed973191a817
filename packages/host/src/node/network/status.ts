import type { StatusObject } from "@grpc/grpc-js";
import type { Reason } from "../../network.ts";
import type { Grpc } from "./grpc.ts";
import { decodeText, encodeText, wellFormed } from "./attributes.ts";

/** Trailing metadata: the code with which the peer ended a session, which is finer than gRPC's. */
const CODE = "ottla-code";

/** A session's end as gRPC status. */
export function statusOf(grpc: Grpc, reason: { code: string; message: string }): StatusObject {
  const metadata = new grpc.Metadata();
  metadata.set(CODE, encodeText(reason.code));
  return {
    code: isStatusName(grpc, reason.code) ? grpc.status[reason.code] : grpc.status.FAILED_PRECONDITION,
    details: wellFormed(reason.message),
    metadata,
  };
}

function isStatusName(grpc: Grpc, code: string): code is keyof Grpc["status"] {
  return Object.hasOwn(grpc.status, code) && Number.isNaN(Number(code));
}

/** What a status says to the side that dialled `peer`. */
export function reasonOf(grpc: Grpc, status: StatusObject, peer: string, accepted: boolean): Reason {
  const code = status.metadata.get(CODE)[0];
  if (typeof code === "string") return { kind: "rejected", code: decodeText(code), message: status.details };
  switch (status.code) {
    case grpc.status.OK:
      return { kind: "finished", message: `${peer} closed the session` };
    case grpc.status.UNAVAILABLE:
      if (accepted) return { kind: "reset", message: `the connection to ${peer} broke: ${status.details}` };
      if (status.details.includes("ECONNREFUSED"))
        return { kind: "refused", message: `${peer} refuses connections: nothing listens there` };
      return { kind: "unreachable", message: `${peer} cannot be reached: ${status.details}` };
    case grpc.status.CANCELLED:
    case grpc.status.INTERNAL:
      return accepted
        ? { kind: "reset", message: `${peer} broke the session off: ${status.details}` }
        : { kind: "unreachable", message: `${peer} broke off before it accepted the session: ${status.details}` };
    default:
      return { kind: "rejected", code: grpc.status[status.code] ?? String(status.code), message: status.details };
  }
}
