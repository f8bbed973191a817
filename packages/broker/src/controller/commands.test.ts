import { memoryHost } from "@ottla/host";
import type { pb } from "@ottla/protocol";
import { expect, test } from "vitest";
import { Timeouts } from "../timeouts.ts";
import { Commands } from "./commands.ts";

const listGroups: pb.Command["command"] = { case: "listGroups", value: {} };

function openCommands(): Commands {
  const { clock } = memoryHost();
  return new Commands(clock, new Timeouts(clock), () => {});
}

test("a command whose caller goes before it is sent is not sent", async () => {
  const commands = openCommands();
  const caller = new AbortController();
  const asked = commands.ask(listGroups, 10_000, { signal: caller.signal });
  caller.abort(new Error("the client has gone"));
  await expect(asked).rejects.toThrow("the client has gone");
  expect(commands.takeQueued()).toEqual([]);
});

test("one whose caller goes later frees its number with the reply, or with the session", async () => {
  const commands = openCommands();
  const caller = new AbortController();
  const asked = [1, 2].map(() => commands.ask(listGroups, 10_000, { signal: caller.signal }));
  expect(commands.takeQueued().map(({ sequence }) => sequence)).toEqual([1, 2]);
  caller.abort(new Error("the client has gone"));
  for (const each of asked) await expect(each).rejects.toThrow("the client has gone");
  expect(commands.lowestUnanswered).toBe(1);
  commands.answered({ sequence: 1, errorCode: 0, errorMessage: "", index: 0, reply: { case: "listGroups", value: { groups: [] } } });
  expect(commands.lowestUnanswered).toBe(2);
  expect(commands.takeUnanswered()).toEqual([]);
  expect(commands.lowestUnanswered).toBe(3);
});
