// Imports between packages only go down, through the door of each, and package.json and tsconfig.json name exactly what is imported.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { violations, type PackageFiles } from "./boundaries/rules.ts";

interface PackageJson {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");

function readJson<T>(...segments: string[]): T {
  return JSON.parse(readFileSync(path.join(root, ...segments), "utf8")) as T;
}

function read(directory: string): PackageFiles {
  const manifest = readJson<PackageJson>(directory, "package.json");
  const tsconfig = readJson<{ references?: { path: string }[] }>(directory, "tsconfig.json");
  const files = readdirSync(path.join(root, directory, "src"), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  return {
    name: manifest.name,
    directory,
    dependencies: Object.keys(manifest.dependencies ?? {}),
    optionalDependencies: Object.keys(manifest.optionalDependencies ?? {}),
    devDependencies: Object.keys(manifest.devDependencies ?? {}),
    references: (tsconfig.references ?? []).map((reference) => reference.path),
    sources: new Map(
      files.map((file) => [
        path.posix.join(directory, "src", file.replaceAll("\\", "/")),
        readFileSync(path.join(root, directory, "src", file), "utf8"),
      ]),
    ),
  };
}

const { workspaces } = readJson<{ workspaces: string[] }>("package.json");
const found = workspaces.flatMap((directory) => violations(read(directory)));
for (const violation of found) console.error(violation);
if (found.length > 0) process.exitCode = 1;
