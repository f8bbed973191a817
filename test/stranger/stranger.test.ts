import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Installation, install, root, startNode } from "./installation.ts";

const run = promisify(execFile);
let installation: Installation;

beforeAll(async () => {
  installation = await install();
}, 180_000);

afterAll(() => installation[Symbol.asyncDispose]());

async function examples(file: string, language: string): Promise<string[]> {
  const text = await readFile(join(root, file), "utf8");
  return [...text.matchAll(/```(\w+)\n([\s\S]*?)```/g)].filter((match) => match[1] === language).map((match) => match[2] ?? "");
}

/** Types are checked against the installed packages; then the example runs on this Node, which may know no `await using` yet. */
async function runTypeScript(source: string, name: string): Promise<string> {
  const { folder } = installation;
  await writeFile(join(folder, `${name}.ts`), source);
  const compilerOptions = {
    target: "es2022",
    module: "nodenext",
    strict: true,
    noEmit: true,
    lib: ["es2023", "esnext.disposable"],
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
  };
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...compilerOptions, skipLibCheck: true }, files: [`${name}.ts`] }),
  );
  await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder]).catch((error: { stdout?: string }) =>
    expect.fail(`The example does not compile: ${error.stdout}`),
  );
  await build({ entryPoints: [join(folder, `${name}.ts`)], outfile: join(folder, `${name}.js`), target: "node20", format: "esm" });
  return runFile(join(folder, `${name}.js`));
}

async function runFile(file: string): Promise<string> {
  const { stdout } = await run(process.execPath, [file], { cwd: installation.folder, timeout: 60_000 });
  return stdout;
}

test("the README's TypeScript examples run as they are written, one after the other", { timeout: 180_000 }, async () => {
  const [first, second, ...others] = await examples("README.md", "ts");
  expect(others).toEqual([]);
  expect(await runTypeScript(first ?? "", "write-and-read")).toMatch(/^written to partition \d at offset 0\ncustomer-7 tea\n$/);
  expect(await runTypeScript(second ?? "", "resume")).toMatch(/^1 orders from partition \d\n$/);
});

test(
  "the client's README's examples run one after the other against a node that was started beside them",
  {
    timeout: 180_000,
  },
  async () => {
    await using node = await startNode(installation, "./client-readme-data");
    const sources = await examples("packages/client/README.md", "ts");
    const outputs: string[] = [];
    for (const [index, source] of sources.entries()) {
      expect(source).toContain("localhost:9093");
      outputs.push(await runTypeScript(source.replace("localhost:9093", node.bootstrap), `client-${index}`));
    }
    expect(outputs).toEqual([
      expect.stringMatching(/^orders-\d at offset 0\n1000 coffees\n$/),
      "",
      expect.stringMatching(/^(\d+ records of orders-\d\n)+$/),
      "0 true 0\n1 true 0\n2 true 0\ntrue\n",
      expect.stringMatching(
        /^\[ '0 led by 1', '1 led by 1', '2 led by 1' \]\n\d+\n\[\s+\{\s+topic: 'orders',\s+partition: 0,\s+offset: 0,.*topic "orders" Cannot create .*it exists already\n$/s,
      ),
      expect.stringMatching(/^cluster \S+: nodes 1 are live\n([a-z]+ .+\n)+$/),
    ]);
  },
);

test.each([
  ["node", /^(\[ '127\.0\.0\.1:\d+' \]\n){2}$/],
  ["protocol", /^0 tea\n$/],
])("the example in the README of %s runs as it is written", { timeout: 60_000 }, async (name, output) => {
  const [example, ...others] = await examples(`packages/${name}/README.md`, "js");
  expect(others).toEqual([]);
  await writeFile(join(installation.folder, `${name}.mjs`), example ?? "");
  expect(await runFile(join(installation.folder, `${name}.mjs`))).toMatch(output);
});

/** The files that a program may come to load, and those that the compiler may come to read, which imports its package. */
async function reachable(directory: string): Promise<Set<string>> {
  const found = new Set(["dist/index.js"]);
  for (const file of found) {
    const source = await readFile(join(directory, file), "utf8");
    for (const [, name = ""] of source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g)) {
      const target = posix.join(dirname(file), name);
      found.add(file.endsWith(".d.ts") ? target.replace(/\.[jt]s$/, ".d.ts") : target);
    }
    found.add(file.replace(/(\.d\.ts|\.js)$/, ".d.ts"));
  }
  return found;
}

test("each package holds what its door reaches, a licence, a README, and nothing else", async () => {
  const licence = await readFile(join(root, "LICENSE"), "utf8");
  for (const [name, files] of installation.contents) {
    const directory = join(root, "packages", name);
    const wanted = await reachable(directory);
    for (const file of ["package.json", "LICENSE", "README.md"]) wanted.add(file);
    if (name === "cli")
      for (const file of ["bin/ottla.cjs", "dist/bundle/ottla.cjs", "dist/bundle/ottla.cjs.cache", "dist/bundle/ottla.cjs.LEGAL.txt"])
        wanted.add(file);
    expect(
      [...wanted].filter((file) => !files.includes(file)),
      `missing in ${name}`,
    ).toEqual([]);
    // A source of types alone is compiled to an empty module too.
    expect(
      files.filter((file) => !wanted.has(file) && !wanted.has(file.replace(/\.js$/, ".d.ts"))),
      `not needed in ${name}`,
    ).toEqual([]);
    expect(await readFile(join(directory, "LICENSE"), "utf8"), `the licence of ${name}`).toBe(licence);
  }
});

test("the installed command runs a node from its own addons, and records go in and come out", { timeout: 60_000 }, async () => {
  const { command, folder } = installation;
  expect((await run(command, ["--version"], { cwd: folder })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  await using node = await startNode(installation, "./ottla-data");
  const options = { cwd: folder, env: { ...process.env, OTTLA_BOOTSTRAP: node.bootstrap } };
  await run(command, ["topic", "create", "orders", "--partitions", "3"], options);
  for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"]) {
    const produced = run(command, ["produce", "orders", "--partition", "1", "--compression", compression], options);
    produced.child.stdin?.end(`${compression} ${"tea ".repeat(100)}\n`);
    await produced;
  }
  const { stdout } = await run(command, ["consume", "orders", "--partition", "1"], options);
  expect(stdout.split("\n").map((text) => text.split(" ")[0])).toEqual(["none", "gzip", "snappy", "lz4", "zstd", ""]);
});
