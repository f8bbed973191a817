import { setTimeout as delay } from "node:timers/promises";
import type { Direction, Network } from "../ground/network.ts";
import type { Fault, Scene } from "./fault.ts";

function networkOf({ ground: { network } }: Scene): Network {
  if (!network) throw new Error("This machine gives no network of its own");
  return network;
}

async function during(scene: Scene, begin: () => Promise<unknown>, nodeId: number): Promise<string> {
  const ms = 1_000 + scene.random(9_000);
  await begin();
  try {
    await delay(ms);
  } finally {
    await networkOf(scene).heal(nodeId);
  }
  return `${(ms / 1000).toFixed(1)} s`;
}

/** One to leave a leader that flaps, and split votes of it. */
const mostElections = 3;

const words: Record<Direction, string> = { both: "cut off", in: "deaf", out: "mute" };

function cut(direction: Direction): Fault {
  return {
    name: `cut-${direction}`,
    needs: "network",
    async happen(scene) {
      const { victim } = scene;
      return `node ${victim} ${words[direction]} for ${await during(scene, () => networkOf(scene).cut(victim, direction), victim)}`;
    },
  };
}

export const linkFaults: readonly Fault[] = [
  cut("both"),
  cut("in"),
  cut("out"),
  {
    name: "cut-pair",
    needs: "network",
    async happen(scene) {
      const { victim, other } = scene;
      const lasted = await during(scene, () => networkOf(scene).cut(victim, "both", other), victim);
      return `nodes ${victim} and ${other} cut from each other for ${lasted}`;
    },
  },
  {
    name: "slow-link",
    needs: "network",
    async happen(scene) {
      const { victim, random } = scene;
      const rate = 20_000 + random(200_000);
      return `node ${victim} sends ${rate} bytes/s for ${await during(scene, () => networkOf(scene).slow(victim, rate), victim)}`;
    },
  },
  {
    name: "lossy-link",
    needs: "network",
    async happen(scene) {
      const { victim, random } = scene;
      const percent = 1 + random(5);
      return `node ${victim} loses ${percent} % of packets for ${await during(scene, () => networkOf(scene).lose(victim, percent), victim)}`;
    },
  },
  {
    name: "flap",
    needs: "network",
    async happen(scene) {
      const { victim, random, ottla } = scene;
      const network = networkOf(scene);
      const termBefore = (await ottla.admin().describeQuorum()).term;
      const times = 3 + random(5);
      try {
        for (let time = 0; time < times; time += 1) {
          await network.cut(victim, "both");
          await delay(200 + random(1_500));
          await network.heal(victim);
          await delay(200 + random(1_500));
        }
      } finally {
        await network.heal(victim);
      }
      const elections = (await ottla.admin().describeQuorum()).term - termBefore;
      // Once a node leads that nobody cuts off, the flapping one must not unseat it; a fault beside this one may.
      if (!scene.beside && elections > mostElections)
        throw new Error(
          `The term rose by ${elections} while the link of node ${victim} went ${times} times, at most ${mostElections} is right`,
        );
      return `link of node ${victim} went ${times} times, the term rose by ${elections}`;
    },
  },
];
