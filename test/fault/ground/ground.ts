import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ClusterProcesses, type Site } from "../../../scripts/support/cluster-processes.ts";
import { freePort } from "../../../scripts/support/node-process.ts";
import { Disks } from "./disks.ts";
import { Memory } from "./memory.ts";
import { Network } from "./network.ts";
import { Shim } from "./shim.ts";

/** A further broker, and a further broker that can be a controller too. */
export const newBroker = 4;
export const newVoter = 5;

export interface GroundOptions {
  readonly directory: string;
  readonly apart: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Told what this machine cannot do. */
  print(line: string): void;
}

interface Parts {
  readonly network: Network | null;
  readonly disks: Disks | null;
  readonly shim: Shim | null;
  readonly memory: Memory | null;
}

/** Where faults happen: three node processes, and, where the machine allows it, a network and a disk for each that can be made to fail. */
export class Ground implements AsyncDisposable {
  readonly cluster: ClusterProcesses;
  /** null: this machine gives none. */
  readonly network: Network | null;
  readonly disks: Disks | null;
  readonly shim: Shim | null;
  readonly memory: Memory | null;

  private constructor(cluster: ClusterProcesses, parts: Parts) {
    this.cluster = cluster;
    this.network = parts.network;
    this.disks = parts.disks;
    this.shim = parts.shim;
    this.memory = parts.memory;
  }

  static async make({ directory, apart, env, print }: GroundOptions): Promise<Ground> {
    const network = apart ? await Network.make() : null;
    const disks = apart ? await disksOrNull(directory, print) : null;
    const shim = await orNull("Shim", Shim.make(join(directory, "shim")), print);
    const memory = await orNull("Memory cgroups", Memory.make(), print);
    // A node that joins, leaves and joins again lives where it lived before.
    const sites = new Map<number, Promise<Site>>();
    const makeSite = async (nodeId: number): Promise<Site> => ({
      ...(network ? { host: network.host(nodeId), kafka: 9092, grpc: 9093, http: 9094, node: 9095 } : await local()),
      through: [
        ...((await memory?.leg(nodeId)) ?? []),
        ...((await network?.leg(nodeId)) ?? []),
        ...((await shim?.through(nodeId)) ?? []),
        ...(nodeId === newVoter ? ["env", "OTTLA_PROCESS_ROLES=controller,broker"] : []),
      ],
      ...(disks ? { dataDir: await disks.make(nodeId) } : {}),
    });
    const cluster = await ClusterProcesses.plan({
      directory,
      settings: { "log.segment.bytes": String(1 << 20), "log.retention.ms": "-1" },
      ...(env ? { env } : {}),
      site: (nodeId) => {
        const site = sites.get(nodeId) ?? makeSite(nodeId);
        sites.set(nodeId, site);
        return site;
      },
    });
    const ground = new Ground(cluster, { network, disks, shim, memory });
    try {
      await Promise.all(cluster.nodeIds.map((nodeId) => cluster.startNode(nodeId)));
      return ground;
    } catch (error) {
      await ground[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Ends a node that was removed from the cluster; whoever joins in its place begins with an empty disk. */
  async leave(nodeId: number): Promise<void> {
    const dataDir = this.cluster.dataDir(nodeId);
    await this.cluster.stopNode(nodeId);
    await rm(dataDir, { recursive: true, force: true });
    this.cluster.forget(nodeId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    await this.disks?.[Symbol.asyncDispose]();
    await this.memory?.[Symbol.asyncDispose]();
  }
}

async function local(): Promise<Site> {
  return { host: "127.0.0.1", kafka: await freePort(), grpc: await freePort(), http: await freePort(), node: await freePort() };
}

/** Without it the faults that need it do not happen, and the run says so. */
async function orNull<T>(name: string, making: Promise<T>, print: (line: string) => void): Promise<T | null> {
  try {
    return await making;
  } catch (error) {
    print(`SKIPPED: ${name}: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
    return null;
  }
}

async function disksOrNull(directory: string, print: (line: string) => void): Promise<Disks | null> {
  const probe = new Disks(join(directory, "probe"));
  try {
    await probe.make(0);
    return new Disks(directory);
  } catch (error) {
    print(`SKIPPED: an ext4 image for each node: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
    return null;
  } finally {
    await probe[Symbol.asyncDispose]();
    await rm(join(directory, "probe"), { recursive: true, force: true });
  }
}
