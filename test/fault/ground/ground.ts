import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ClusterProcesses } from "../../../scripts/support/cluster-processes.ts";
import { Disks } from "./disks.ts";
import { Network } from "./network.ts";

export interface GroundOptions {
  readonly directory: string;
  readonly apart: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Told what this machine cannot do. */
  print(line: string): void;
}

/** Where faults happen: three node processes, and, where the machine allows it, a network and a disk for each that can be made to fail. */
export class Ground implements AsyncDisposable {
  readonly cluster: ClusterProcesses;
  /** null: this machine gives none. */
  readonly network: Network | null;
  readonly disks: Disks | null;

  private constructor(cluster: ClusterProcesses, network: Network | null, disks: Disks | null) {
    this.cluster = cluster;
    this.network = network;
    this.disks = disks;
  }

  static async make({ directory, apart, env, print }: GroundOptions): Promise<Ground> {
    const network = apart ? await Network.make() : null;
    const disks = apart ? await disksOrNull(directory, print) : null;
    const cluster = await ClusterProcesses.plan({
      directory,
      settings: { "log.segment.bytes": String(1 << 20), "log.retention.ms": "-1" },
      ...(env ? { env } : {}),
      ...(network === null
        ? {}
        : {
            site: async (nodeId) => ({
              host: network.host(nodeId),
              grpc: 9093,
              http: 9094,
              node: 9095,
              through: await network.leg(nodeId),
              ...(disks ? { dataDir: await disks.make(nodeId) } : {}),
            }),
          }),
    });
    const ground = new Ground(cluster, network, disks);
    try {
      await Promise.all(cluster.nodeIds.map((nodeId) => cluster.startNode(nodeId)));
      return ground;
    } catch (error) {
      await ground[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    await this.disks?.[Symbol.asyncDispose]();
  }
}

async function disksOrNull(directory: string, print: (line: string) => void): Promise<Disks | null> {
  const probe = new Disks(join(directory, "probe"));
  try {
    await probe.make(0);
    return new Disks(directory);
  } catch (error) {
    print(`No ext4 image for each node: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
    return null;
  } finally {
    await probe[Symbol.asyncDispose]();
    await rm(join(directory, "probe"), { recursive: true, force: true });
  }
}
