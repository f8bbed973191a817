import { expect, test } from "vitest";
import { importedNames } from "./imports.ts";
import { violations, type PackageFiles } from "./rules.ts";

function pack(name: string, sources: Record<string, string>, manifest: Partial<PackageFiles> = {}): PackageFiles {
  const directory = `packages/${name.replace("@ottla/", "")}`;
  return {
    name,
    directory,
    dependencies: [],
    optionalDependencies: [],
    devDependencies: [],
    references: [],
    ...manifest,
    sources: new Map(Object.entries(sources).map(([file, source]) => [`${directory}/src/${file}`, source])),
  };
}

test("imports are found in every form, not in comments", () => {
  const source = `
    import a from "a"; import type { B } from 'b';
    import {
      c,
    } from "c";
    export * from "./d.ts"; import "e";
    export { f } from "f";
    const g = await import("g"), h = require("h");
    // import i from "i"
    /* import j from "j" */
    const k = createRequire(import.meta.url)("k");
    const url = "http://l"; export { l } from "l";
  `
    .replace("import type", "\nimport type")
    .replace('import "e"', '\nimport "e"')
    .replace("export { l", "\nexport { l");
  expect(importedNames(source)).toEqual(expect.arrayContaining(["a", "b", "c", "./d.ts", "e", "f", "g", "h", "k", "l"]));
  expect(importedNames(source)).not.toContain("i");
  expect(importedNames(source)).not.toContain("j");
});

test("a package that imports downwards, and says so, passes", () => {
  const log = pack(
    "@ottla/log",
    { "log.ts": 'import { x } from "@ottla/host";\nimport { y } from "./segment/y.ts";', "log.test.ts": 'import { test } from "vitest";' },
    { dependencies: ["@ottla/host"], references: ["../host"] },
  );
  expect(violations(log)).toEqual([]);
});

test.each([
  ["upwards", "@ottla/broker", "may import @ottla/host, @ottla/protocol"],
  ["past the door", "@ottla/host/src/disk.ts", "through its door"],
  ["out of the package", "../../host/src/disk.ts", "a relative import stays within its package"],
  ["itself by name", "@ottla/log", "by relative path"],
])("an import %s is refused", (_, name, reason) => {
  expect(violations(pack("@ottla/log", { "log.ts": `import { x } from "${name}";` })).join("\n")).toContain(reason);
});

test("a dependency that is imported but not declared, or declared but not imported, is named", () => {
  const log = pack("@ottla/log", { "log.ts": 'import { x } from "@ottla/host"; ' }, { dependencies: ["level"] });
  expect(violations(log)).toEqual([
    "packages/log/package.json: lacks the dependency @ottla/host, which its sources import",
    "packages/log/package.json: depends on level, which none of its sources imports",
  ]);
});

test("the compiler's references follow the dependencies", () => {
  const log = pack(
    "@ottla/log",
    { "log.ts": 'import { x } from "@ottla/host";' },
    { dependencies: ["@ottla/host"], references: ["../protocol"] },
  );
  expect(violations(log)).toEqual([
    "packages/log/tsconfig.json: lacks the reference ../host",
    "packages/log/tsconfig.json: has the reference ../protocol, which package.json does not depend on",
  ]);
});

test("the Raft core imports nothing outside its folder, its tests only test tools", () => {
  const controller = pack("@ottla/controller", {
    "raft/core.ts": 'import { x } from "../quorum/x.ts";\nimport { y } from "./y.ts";',
    "raft/clock.ts": 'import { z } from "node:timers";',
    "raft/core.test.ts": 'import { readFileSync } from "node:fs";\nimport { test } from "vitest";',
  });
  expect(violations(controller)).toEqual([
    'packages/controller/src/raft/core.ts: imports "../quorum/x.ts": packages/controller/src/raft imports nothing outside its folder',
    'packages/controller/src/raft/clock.ts: imports "node:timers": packages/controller/src/raft imports nothing outside its folder',
  ]);
});
