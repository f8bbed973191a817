import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { document } from "./document.ts";
import { cells } from "./matrix.ts";

test("docs/compatibility.md says what the matrix of clients and features says", () => {
  const written = readFileSync(new URL("../../docs/compatibility.md", import.meta.url), "utf8");
  expect(written, "npm run test:compat -- --document writes it").toBe(document());
});

test("no two cells of the matrix have a test of the same name", () => {
  const names = cells().map(({ test }) => test);
  expect(new Set(names).size).toBe(names.length);
});
