import type { Ottla } from "@ottla/client";
import type { Ground } from "../ground/ground.ts";
import type { Load } from "../load.ts";

export interface Scene {
  readonly ground: Ground;
  readonly load: Load;
  readonly ottla: Ottla;
  readonly random: (bound: number) => number;
  /** The node that suffers. */
  readonly victim: number;
  /** Another one. */
  readonly other: number;
  /** Whether another fault goes on beside this one. */
  readonly beside: boolean;
}

export interface Fault {
  readonly name: string;
  /** What the machine must give. */
  readonly needs?: "network" | "disks" | "shim" | "memory";
  /** It destroys what a disk holds: only one of these at a time, or acknowledged records have nowhere left to be. */
  readonly destroys?: boolean;
  /** A node may end by it, in whatever way, and is started again as its supervisor would. */
  readonly mayEnd?: boolean;
  /** It acts on more than its victim, and alone. */
  readonly alone?: boolean;
  /** It adds and removes a node: one of these at a time. */
  readonly changesMembers?: boolean;
  /** Whom it would rather act on, unless another fault does. */
  aim?(scene: Scene): Promise<number>;
  /** Happens, lasts and is mended again; resolves with what to say of it. */
  happen(scene: Scene): Promise<string>;
}
