import type { Broker } from "@ottla/broker";
import type { Controller } from "@ottla/controller";
import type { Health } from "./http/http-door.ts";

/** A node serves when its broker does; one without a broker when its controller belongs to a cluster that has a leader. */
export function healthOf(controller: Controller | null, broker: Broker | null): Health {
  if (broker) return broker.health;
  if (!controller) return { live: true, ready: false, reasons: ["This node is starting"] };
  const { clusterId, leader } = controller.status;
  const reasons: string[] = [];
  if (clusterId === null) reasons.push("the controller belongs to no cluster yet");
  if (leader === -1) reasons.push("the controllers have no leader");
  return { live: true, ready: reasons.length === 0, reasons };
}
