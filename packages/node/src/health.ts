import type { Broker } from "@ottla/broker";
import type { Controller } from "@ottla/controller";
import type { Health } from "./http/http-door.ts";

/** A node serves when its broker does; one without a broker when its controller belongs to a cluster that has a leader. */
export function healthOf(controller: Controller | null, broker: Broker | null): Health {
  if (!controller && !broker) return { live: true, ready: false, reasons: ["This node is starting"] };
  const troubles = controller ? troublesOf(controller) : [];
  const concerns = controller?.inspect() ? controller.status.concerns : [];
  if (!broker) return { live: true, ready: troubles.length === 0, reasons: [...troubles, ...concerns] };
  const { live, ready, reasons } = broker.health;
  // A broker goes on with what its partitions need while the controllers have nobody to lead them.
  return { live, ready, reasons: [...reasons, ...troubles, ...concerns] };
}

function troublesOf(controller: Controller): string[] {
  if (controller.inspect() === null) return ["the controller rebuilds its state, or ends"];
  const { clusterId, leader, waitingFor } = controller.status;
  if (waitingFor.length > 0) return [...waitingFor];
  if (clusterId === null) return ["the controller belongs to no cluster yet"];
  return leader === -1 ? ["the controllers have no leader"] : [];
}
