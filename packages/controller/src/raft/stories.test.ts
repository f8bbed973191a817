import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Story } from "./simulation/story.ts";

const folder = new URL("testdata/", import.meta.url);

// RECORD_STORIES=1 writes what happens now into the files: read the difference before keeping it.
for (const file of readdirSync(folder).filter((name) => name.endsWith(".txt"))) {
  const written = readFileSync(new URL(file, folder), "utf8");
  const [title = file] = written.split("\n");
  test(`${title.replace(/^# /, "")} (${file})`, () => {
    const told = new Story().tell(written);
    if (process.env["RECORD_STORIES"] === "1") writeFileSync(new URL(file, folder), told);
    else expect(told).toBe(written);
  });
}
