import { execFile } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { NodeProcess } from "../../scripts/support/node-process.ts";
import { ottla, temporaryDirectory } from "./ottla.ts";

test("help names every command", async () => {
  const { code, stdout } = await ottla(["--help"]);
  expect(code).toBe(0);
  for (const name of ["start", "topic", "produce", "consume", "offsets", "cluster", "config", "feature", "bench", "recover", "completion"])
    expect(stdout).toContain(`  ${name}`);
});

test("settings are listed with their defaults and a file is checked by line", async () => {
  expect((await ottla(["config", "list"])).stdout).toContain("log.segment.bytes=1073741824\n");
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "node.properties");
  await writeFile(file, "# mine\nlog.segment.bytes=1\n");
  expect(await ottla(["config", "check", file])).toMatchObject({ code: 2, stderr: expect.stringMatching(/log\.segment\.bytes.*1/) });
  await writeFile(file, "log.segment.bytes=2048\n");
  expect(await ottla(["config", "check", file])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/log\.segment\.bytes +2048 +file/),
  });
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

test("completion in bash offers commands, subcommands, options and choices", async () => {
  await using directory = await temporaryDirectory();
  const script = join(directory.path, "completion.bash");
  await writeFile(script, (await ottla(["completion", "bash"])).stdout);
  const offered = async (...typed: string[]): Promise<string> => {
    const words = typed.map((word) => `"${word}"`).join(" ");
    const { stdout } = await promisify(execFile)("bash", [
      "-c",
      `source "${script}"; COMP_WORDS=(ottla ${words}); COMP_CWORD=${typed.length}; _ottla; echo "\${COMPREPLY[*]}"`,
    ]);
    return stdout.trim();
  };
  expect(await offered("to")).toBe("topic");
  expect(await offered("topic", "cr")).toBe("create");
  expect(await offered("topic", "create", "orders", "--part")).toBe("--partitions");
  expect(await offered("consume", "orders", "--fo")).toBe("--follow --format");
  expect(await offered("completion", "z")).toBe("zsh");
});

/** What the shell answers, or null where there is no such shell. */
async function inShell(shell: string, args: readonly string[]): Promise<string | null> {
  try {
    return (await promisify(execFile)(shell, args)).stdout;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

test("completion in zsh offers commands, subcommands, options and choices", async ({ skip }) => {
  await using directory = await temporaryDirectory();
  const script = join(directory.path, "completion.zsh");
  await writeFile(script, (await ottla(["completion", "zsh"])).stdout);
  const offered = async (...typed: string[]): Promise<string> => {
    const words = typed.map((word) => `"${word}"`).join(" ");
    const call = `COMP_WORDS=(ottla ${words}); COMP_CWORD=${typed.length}; setopt localoptions ksharrays shwordsplit; _ottla; print -- "\${COMPREPLY[*]}"`;
    const answer = await inShell("zsh", ["-f", "-c", `source "${script}"; f() { ${call} }; f`]);
    if (answer === null) skip("zsh is not installed (Debian: zsh)");
    // zsh itself leaves out what does not begin with the typed word.
    const last = typed.at(-1) ?? "";
    return (answer ?? "")
      .trim()
      .split(" ")
      .filter((word) => word.startsWith(last))
      .join(" ");
  };
  expect(await offered("to")).toBe("topic");
  expect(await offered("topic", "cr")).toBe("create");
  expect(await offered("topic", "create", "orders", "--part")).toBe("--partitions");
  expect(await offered("completion", "f")).toBe("fish");
});

test("completion in fish offers commands, subcommands, options and choices", async ({ skip }) => {
  await using directory = await temporaryDirectory();
  const script = join(directory.path, "ottla.fish");
  await writeFile(script, (await ottla(["completion", "fish"])).stdout);
  const offered = async (line: string): Promise<string[]> => {
    const answer = await inShell("fish", ["--no-config", "-c", `source "${script}"; complete --do-complete "${line}"`]);
    if (answer === null) skip("fish is not installed (Debian: fish)");
    return (answer ?? "").split("\n").flatMap((one) => (one === "" ? [] : [one.split("\t")[0] ?? ""]));
  };
  expect(await offered("ottla to")).toEqual(["topic"]);
  expect(await offered("ottla topic cr")).toEqual(["create"]);
  expect(await offered("ottla topic create orders --part")).toEqual(["--partitions"]);
  expect(await offered("ottla completion f")).toEqual(["fish"]);
});

test("looking for damage in a directory that is none makes nothing and says which is meant", async () => {
  await using directory = await temporaryDirectory();
  const outcome = await ottla(["recover", "--data-dir", directory.path]);
  expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining(`${directory.path}: it is no data directory`) });
  expect(await readdir(directory.path)).toEqual([]);
});

test("looking for damage leaves a clean stop a clean stop", async () => {
  await using directory = await temporaryDirectory();
  const dataDir = join(directory.path, "data");
  await using node = await NodeProcess.start({ dataDir, settings: { "grpc.listeners": "127.0.0.1:0" } });
  expect(await ottla(["recover", "--data-dir", dataDir])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("stop that process first"),
  });
  await node.stop();
  const before = await readdir(join(dataDir, "log"));
  expect(await ottla(["recover", "--data-dir", dataDir])).toMatchObject({
    code: 0,
    stdout: "",
    stderr: `Nothing is damaged in ${dataDir}\n`,
  });
  expect(await readdir(join(dataDir, "log"))).toEqual(before);
});
