import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
/** What a stranger installs, with what these bring. */
const packages = ["host", "protocol", "log", "metadata", "controller", "broker", "client", "node", "cli"];

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ottla-stranger-"));
  const tarballs = join(folder, "tarballs");
  await mkdir(tarballs);
  for (const name of packages) await run("npm", ["pack", "--silent", "--pack-destination", tarballs], { cwd: join(root, "packages", name) });
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }));
  const files = (await readdir(tarballs)).map((file) => join(tarballs, file));
  await run("npm", ["install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", ...files], { cwd: folder });
}, 180_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

async function typescriptExamples(file: string): Promise<string[]> {
  const text = await readFile(join(root, file), "utf8");
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
}

/** Types are checked against the installed packages; then the example runs on this Node, which knows no `await using` yet. */
async function runExample(source: string, name: string): Promise<string> {
  await writeFile(join(folder, `${name}.ts`), source);
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { target: "es2022", module: "nodenext", strict: true, noEmit: true, skipLibCheck: true, lib: ["es2023", "esnext.disposable"], types: ["node"], typeRoots: [join(root, "node_modules/@types")] }, files: [`${name}.ts`] }),
  );
  await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder]).catch((error: { stdout?: string }) => expect.fail(`The example does not compile: ${error.stdout}`));
  await build({ entryPoints: [join(folder, `${name}.ts`)], outfile: join(folder, `${name}.js`), target: "node20", format: "esm" });
  const { stdout } = await run(process.execPath, [join(folder, `${name}.js`)], { cwd: folder, timeout: 60_000 });
  return stdout;
}

test("the README's TypeScript examples run as they are written, one after the other", { timeout: 180_000 }, async () => {
  const [first, second, ...others] = await typescriptExamples("README.md");
  expect(others).toEqual([]);
  expect(await runExample(first ?? "", "write-and-read")).toMatch(/^written to partition \d at offset 0\ncustomer-7 tea\n$/);
  expect(await runExample(second ?? "", "resume")).toMatch(/^1 orders from partition \d\n$/);
});

test("the installed command runs", { timeout: 60_000 }, async () => {
  const { stdout } = await run(join(folder, "node_modules/.bin/ottla"), ["--version"], { cwd: folder });
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
