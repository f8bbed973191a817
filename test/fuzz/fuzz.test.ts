import { describe, expect, test } from "vitest";
import { fuzz, truncations } from "./fuzz.ts";
import { targets } from "./targets/index.ts";

const seed = 20_260_722;
const cases = 1500;

describe.each(await targets())("$name", (target) => {
  test("its own output is accepted, and cut off anywhere it does no harm", () => truncations(target, target.cost < 100 ? 1000 : 6));

  test("damaged input gets a documented error or a right answer", async () => {
    await expect(fuzz(target, seed, 0, target.cost < 100 ? Math.ceil(cases / target.cost) : 6)).resolves.toBeUndefined();
  });
});
