import { expect, test } from "vitest";
import { CatchUp } from "./catch-up.ts";

test("whoever wants to know while a question is under way shares the one after it", async () => {
  const answers: ((caughtUp: boolean) => void)[] = [];
  const catchUp = new CatchUp(() => new Promise((resolve) => answers.push(resolve)));
  const first = catchUp.next();
  const [second, third] = [catchUp.next(), catchUp.next()];
  expect(answers.length).toBe(1);
  answers[0]?.(false);
  expect(await first).toBe(false);
  await Promise.resolve();
  expect(answers.length).toBe(2);
  answers[1]?.(true);
  expect([await second, await third]).toEqual([true, true]);
  const later = catchUp.next();
  expect(answers.length).toBe(3);
  answers[2]?.(true);
  expect(await later).toBe(true);
});
