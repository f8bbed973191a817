import { join } from "node:path";
import { nodeHost } from "@ottla/host";
import { NodeProcess } from "../../scripts/support/node-process.ts";
import { temporaryDirectory } from "../command/ottla.ts";
import { WireClient } from "./wire.ts";

/** A node of its own, and connections to it. */
export class Rig implements AsyncDisposable {
  readonly node: NodeProcess;
  readonly dataDir: string;
  readonly #networks: { close(): Promise<void> }[] = [];
  readonly #directory: { [Symbol.asyncDispose](): Promise<void> };

  private constructor(node: NodeProcess, dataDir: string, directory: { [Symbol.asyncDispose](): Promise<void> }) {
    this.node = node;
    this.dataDir = dataDir;
    this.#directory = directory;
  }

  static async start(settings: Record<string, string> = {}): Promise<Rig> {
    const directory = await temporaryDirectory();
    const dataDir = join(directory.path, "data");
    const node = await NodeProcess.start({ dataDir, settings: { "grpc.listeners": "127.0.0.1:0", ...settings } });
    return new Rig(node, dataDir, directory);
  }

  get address(): string {
    const [address] = this.node.bootstrap;
    if (address === undefined) throw new Error("The node says no address");
    return address;
  }

  get port(): number {
    return Number(this.address.slice(this.address.lastIndexOf(":") + 1));
  }

  /** A client with a connection of its own. */
  client(): WireClient {
    const { network } = nodeHost();
    this.#networks.push(network);
    return new WireClient(network, this.address);
  }

  async residentBytes(): Promise<number> {
    const response = await fetch(`http://${this.node.http}/metrics`);
    return Number(/^process_resident_memory_bytes (\d+)$/m.exec(await response.text())?.[1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#networks.map((network) => network.close()));
    await this.node.kill();
    await this.#directory[Symbol.asyncDispose]();
  }
}
