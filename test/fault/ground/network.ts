import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const subnet = "10.99.0";

export type Direction = "in" | "out" | "both";

/** A bridge in the namespace of the run, and a namespace with one leg on it for every node: what happens to a leg happens to that node only. */
export class Network {
  /** Call it only in a process that lives apart: see {@link isApart}. */
  static async make(): Promise<Network> {
    await mkdir("/run/netns", { recursive: true });
    await run("mount", ["-t", "tmpfs", "tmpfs", "/run/netns"]);
    await ip("link", "set", "lo", "up");
    await ip("link", "add", "hub", "type", "bridge");
    await ip("addr", "add", `${subnet}.254/24`, "dev", "hub");
    await ip("link", "set", "hub", "up");
    return new Network();
  }

  host(nodeId: number): string {
    return `${subnet}.${nodeId}`;
  }

  /** The command that runs something where this node lives. */
  async leg(nodeId: number): Promise<string[]> {
    const name = `n${nodeId}`;
    await ip("netns", "add", name);
    await ip("link", "add", `leg${nodeId}`, "type", "veth", "peer", "name", "eth0", "netns", name);
    await ip("link", "set", `leg${nodeId}`, "master", "hub", "up");
    await ip("-n", name, "addr", "add", `${this.host(nodeId)}/24`, "dev", "eth0");
    await ip("-n", name, "link", "set", "eth0", "up");
    await ip("-n", name, "link", "set", "lo", "up");
    // `ip netns exec` would copy all mounts too, and so hold the other nodes' disks when they are unmounted.
    return ["nsenter", `--net=/run/netns/${name}`];
  }

  /** Packets vanish; nobody is told. With `peer` only those to and from that node. */
  async cut(nodeId: number, direction: Direction, peer?: number): Promise<void> {
    const rules = (["in", "out"] as const)
      .filter((one) => direction === "both" || direction === one)
      .flatMap((one) => {
        const whom = peer === undefined ? 'iifname != "lo"' : `ip ${one === "in" ? "saddr" : "daddr"} ${this.host(peer)}`;
        const match = peer === undefined && one === "out" ? 'oifname != "lo"' : whom;
        const hook = one === "in" ? "input" : "output";
        return [`add chain inet fault ${hook} { type filter hook ${hook} priority 0; }`, `add rule inet fault ${hook} ${match} drop`];
      });
    await inside(nodeId, "nft", [["add table inet fault", ...rules].join("; ")]);
  }

  /** What leaves this node goes at so many bytes per second. */
  async slow(nodeId: number, bytesPerSecond: number): Promise<void> {
    await inside(nodeId, "tc", [
      "qdisc",
      "replace",
      "dev",
      "eth0",
      "root",
      "tbf",
      "rate",
      `${bytesPerSecond * 8}bit`,
      "burst",
      "16kb",
      "latency",
      "400ms",
    ]);
  }

  /** Each packet is lost with this probability, both ways. */
  async lose(nodeId: number, percent: number): Promise<void> {
    const rule = (hook: string): string => `add rule inet fault ${hook} numgen random mod 100 < ${percent} drop`;
    const chain = (hook: string): string => `add chain inet fault ${hook} { type filter hook ${hook} priority 0; }`;
    await inside(nodeId, "nft", [["add table inet fault", chain("input"), rule("input"), chain("output"), rule("output")].join("; ")]);
  }

  async heal(nodeId: number): Promise<void> {
    await inside(nodeId, "nft", ["add table inet fault; delete table inet fault"]);
    // Without a queue of its own there is nothing to delete.
    await inside(nodeId, "tc", ["qdisc", "del", "dev", "eth0", "root"]).catch(() => {});
  }
}

function ip(...args: string[]): Promise<unknown> {
  return run("ip", args);
}

function inside(nodeId: number, program: string, args: readonly string[]): Promise<unknown> {
  return run("ip", ["netns", "exec", `n${nodeId}`, program, ...args]);
}
