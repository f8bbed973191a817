import { type Address, deadline, type Host, type Logger } from "@ottla/host";
import type { ClusterImage } from "@ottla/metadata";
import { formatAddress } from "@ottla/protocol";

const ANSWER_WITHIN_MS = 2000;

export interface ReachabilityOptions {
  readonly host: Host;
  readonly logger: Logger;
  readonly nodeId: number;
  readonly image: ClusterImage;
}

/** Says by name which live node does not answer at the address that it tells the others: a wrong setting shows at the start, not at the first
 * failover. */
export async function checkReachability({ host, logger, nodeId, image }: ReachabilityOptions, signal: AbortSignal): Promise<void> {
  const peers = [...image.brokers.values()].filter((broker) => broker.nodeId !== nodeId && !broker.fenced);
  await Promise.all(
    peers.map(async (peer) => {
      const address = peer.endpoints.find(({ listener }) => listener === "NODE");
      if (!address || signal.aborted) return;
      const why = await whyNot(host, address, signal);
      if (why === null || signal.aborted || image.brokers.get(peer.nodeId)?.fenced !== false) return;
      const at = formatAddress(address);
      logger.warn(
        { peer: peer.nodeId, address: at },
        `Node ${peer.nodeId} does not answer at ${at}, the address it tells other nodes: ${why}; set node.advertised.listeners of node ${peer.nodeId}, or open the way there from node ${nodeId}`,
      );
    }),
  );
}

async function whyNot(host: Host, address: Address, signal: AbortSignal): Promise<string | null> {
  const limit = deadline(host.clock, ANSWER_WITHIN_MS, "Connecting", signal);
  try {
    await host.network.probe(address, limit.signal);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    limit.cancel();
  }
}
