import { setTimeout as sleep } from "node:timers/promises";
import type { Admin, ClusterEvent } from "@ottla/client";
import { Command } from "commander";
import { clusterOptions, type GlobalOptions, type Surroundings, wholeNumber, withClient } from "../invocation.ts";
import { showJson } from "../output/show.ts";

const ASK_EVERY_MS = 1_000;

interface Options {
  bootstrap?: string;
  timeout: string;
  json: boolean;
  follow: boolean;
  limit: string;
  kind?: string;
}

export function clusterEventsCommand(surroundings: Surroundings): Command {
  return new Command("events")
    .description("what happened to the cluster and why: elections, fencings, in-sync changes, truncations, moves")
    .option("-f, --follow", "go on with what happens from now on; with --json one object a line", false)
    .option("-n, --limit <count>", "the newest so many", "50")
    .option("--kind <list>", "only of these kinds, such as elected,fenced,isr")
    .action(async (options: Options) => {
      const cluster = clusterOptions(options, surroundings);
      const limit = wholeNumber("--limit", options.limit, 1, 100_000);
      const kinds = options.kind === undefined ? null : new Set(options.kind.split(",").map((kind) => kind.trim()));
      const wanted = (events: readonly ClusterEvent[]): ClusterEvent[] => events.filter(({ kind }) => kinds === null || kinds.has(kind));
      await withClient(cluster, async (ottla) => {
        const admin = ottla.admin();
        // Of one kind there are fewer: all are asked for, and the newest of them kept.
        const all = await admin.describeEvents({ limit: kinds === null ? limit : 0, signal: surroundings.signal });
        const events = wanted(all).slice(-limit);
        if (!options.follow && cluster.json) return showJson(surroundings.terminal, events);
        await write(events, cluster, surroundings);
        if (!options.follow) {
          if (events.length === 0) surroundings.terminal.error(`${nothing(all)}\n`);
          return;
        }
        await follow(admin, all.at(-1)?.number ?? 0, surroundings, (next) => write(wanted(next), cluster, surroundings));
      });
    });
}

/** A kind that nobody knows looks like one of which nothing happened. */
function nothing(all: readonly ClusterEvent[]): string {
  const kinds = [...new Set(all.map(({ kind }) => kind))].toSorted();
  return kinds.length === 0 ? "No events" : `No events of that kind; there are some of ${kinds.join(", ")}`;
}

/** The controllers may be between two leaders: that is when following is wanted most. */
async function follow(
  admin: Admin,
  from: number,
  { terminal, signal }: Surroundings,
  seen: (events: readonly ClusterEvent[]) => Promise<void>,
): Promise<void> {
  let after = from;
  let failing = false;
  for (;;) {
    await sleep(ASK_EVERY_MS, undefined, { signal });
    try {
      const events = await admin.describeEvents({ after, signal });
      after = events.at(-1)?.number ?? after;
      failing = false;
      await seen(events);
    } catch (error) {
      if (signal.aborted || !(error instanceof Error) || !("retriable" in error && error.retriable === true)) throw error;
      if (!failing) terminal.error(`ottla: ${error.message}; asking on\n`);
      failing = true;
    }
  }
}

async function write(events: readonly ClusterEvent[], { json }: GlobalOptions, { terminal }: Surroundings): Promise<void> {
  for (const event of events) await terminal.write(json ? `${JSON.stringify(event)}\n` : `${line(event)}\n`);
}

function line({ timeMs, kind, nodeId, topic, partition, text }: ClusterEvent): string {
  const about = [
    ...(topic === null ? [] : [partition === null ? topic : `${topic}-${partition}`]),
    ...(nodeId === null ? [] : [`node ${nodeId}`]),
  ].join(" ");
  return `${new Date(timeMs).toISOString()}  ${kind.padEnd(10)}  ${about === "" ? "" : `${about}: `}${text}`;
}
