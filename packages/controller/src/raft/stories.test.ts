import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Story } from "./simulation/story.ts";

const folder = new URL("testdata/", import.meta.url);

// `npx vitest run packages/controller/src/raft/stories -u` writes what happens now into the files: read the difference before keeping it.
for (const file of readdirSync(folder).filter((name) => name.endsWith(".txt"))) {
  const url = new URL(file, folder);
  const written = readFileSync(url, "utf8");
  const [title = file] = written.split("\n");
  test(`${title.replace(/^# /, "")} (${file})`, async () => {
    await expect(new Story().tell(written)).toMatchFileSnapshot(fileURLToPath(url));
  });
}
