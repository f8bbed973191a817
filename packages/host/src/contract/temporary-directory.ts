import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "vitest";

/** A directory of the real file system that is gone after the tests of the file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "ottla-host-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
