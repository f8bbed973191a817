import type { Admin, QuorumDescription, QuorumMember } from "@ottla/client";
import { Command } from "commander";
import { clusterOptions, type Surroundings, wholeNumber, withClient, withClusterOptions } from "../invocation.ts";
import { showJson } from "../output/show.ts";
import { formatDuration } from "../output/size.ts";
import { table } from "../output/table.ts";
import { controllerRecoverCommand } from "./controller-recover.ts";

interface Common {
  bootstrap?: string;
  timeout: string;
  json: boolean;
}

export function controllerCommand(surroundings: Surroundings): Command {
  return new Command("controller")
    .description("the quorum of controllers: list, add, remove, replace voters")
    .addCommand(withClusterOptions(listCommand(surroundings)))
    .addCommand(
      change(surroundings, "add", "make a node that runs with the controller role, and has caught up, a voter", (admin, nodeId, call) =>
        admin.addVoter(nodeId, call),
      ),
    )
    .addCommand(change(surroundings, "remove", "take a voter out of the quorum", (admin, nodeId, call) => admin.removeVoter(nodeId, call)))
    .addCommand(
      change(surroundings, "replace", "let a node that lost its directory vote with the new one", (admin, nodeId, call) =>
        admin.replaceVoter(nodeId, call),
      ),
    )
    .addCommand(controllerRecoverCommand(surroundings));
}

function listCommand(surroundings: Surroundings): Command {
  return new Command("list").description("who leads, who votes, who follows, and how far each is").action(async (options: Common) => {
    const cluster = clusterOptions(options, surroundings);
    await withClient(cluster, async (ottla) => {
      const quorum = await ottla.admin().describeQuorum({ signal: surroundings.signal });
      if (cluster.json) return showJson(surroundings.terminal, quorum);
      await surroundings.terminal.write(
        `Controller ${quorum.leaderId} leads term ${quorum.term}; committed up to ${quorum.commitIndex}, kept from ${quorum.firstIndex}\n`,
      );
      await surroundings.terminal.write(memberTable(quorum.members, quorum));
    });
  });
}

function change(
  surroundings: Surroundings,
  name: string,
  description: string,
  ask: (admin: Admin, nodeId: number, call: { signal: AbortSignal }) => Promise<QuorumMember[]>,
): Command {
  return withClusterOptions(new Command(name))
    .description(description)
    .argument("<id>", "the node's node.id")
    .action(async (id: string, options: Common) => {
      const cluster = clusterOptions(options, surroundings);
      const nodeId = wholeNumber("ID", id, 0);
      await withClient(cluster, async (ottla) => {
        const members = await ask(ottla.admin(), nodeId, { signal: surroundings.signal });
        if (cluster.json) return showJson(surroundings.terminal, members);
        await surroundings.terminal.write(memberTable(members, null));
      });
    });
}

export function memberTable(members: readonly QuorumMember[], quorum: QuorumDescription | null): string {
  const last = Math.max(quorum?.commitIndex ?? 0, ...members.map(({ matchIndex }) => matchIndex));
  return table(
    [
      { title: "CONTROLLER", align: "right" },
      { title: "ROLE" },
      { title: "ADDRESS" },
      { title: "INDEX", align: "right" },
      { title: "BEHIND", align: "right" },
      { title: "LAST HEARD" },
      { title: "DIRECTORY" },
    ],
    members
      .toSorted((one, other) => one.nodeId - other.nodeId)
      .map((one) => [
        one.nodeId,
        one.nodeId === quorum?.leaderId ? "leader" : one.voter ? "voter" : "learner",
        one.host === "" ? null : `${one.host}:${one.port}`,
        one.matchIndex,
        Math.max(0, last - one.matchIndex),
        one.nodeId === quorum?.leaderId ? null : one.silentMs < 0 ? "never" : `${formatDuration(one.silentMs)} ago`,
        one.directoryId === "" ? null : one.directoryId,
      ]),
  );
}
