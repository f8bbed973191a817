import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ottla, temporaryDirectory } from "./ottla.ts";

test("help names every command", async () => {
  const { code, stdout } = await ottla(["--help"]);
  expect(code).toBe(0);
  for (const name of ["start", "topic", "produce", "consume", "offsets", "cluster", "config", "feature", "bench", "recover", "completion"]) expect(stdout).toContain(`  ${name}`);
});

test("settings are listed with their defaults and a file is checked by line", async () => {
  expect((await ottla(["config", "list"])).stdout).toContain("log.segment.bytes=1073741824\n");
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "node.properties");
  await writeFile(file, "# mine\nlog.segment.bytes=1\n");
  expect(await ottla(["config", "check", file])).toMatchObject({ code: 2, stderr: expect.stringMatching(/log\.segment\.bytes.*1/) });
  await writeFile(file, "log.segment.bytes=2048\n");
  expect(await ottla(["config", "check", file])).toMatchObject({ code: 0, stdout: expect.stringMatching(/log\.segment\.bytes +2048 +file/) });
});

test.each(["bash", "zsh", "fish"])("completion for %s knows the commands", async (shell) => {
  const { code, stdout } = await ottla(["completion", shell]);
  expect(code).toBe(0);
  expect(stdout).toContain("validate-only");
});

test("no broker at the address is an error that names it", async () => {
  const { code, stderr } = await ottla(["topic", "list", "--bootstrap", "127.0.0.1:1", "--timeout", "1000"]);
  expect(code).toBe(1);
  expect(stderr).toContain("127.0.0.1:1");
});
