import type { Attributes, Session } from "./network.ts";

export function createSessionPair(
  service: string,
  dialled: Attributes,
  accepted: Attributes,
  peers: { dialling: string; accepting: string },
): [dialling: Session, accepting: Session] {
  throw new Error(`not ready: ${service} ${Object.keys(dialled)} ${Object.keys(accepted)} ${peers.dialling}`);
}
