import { createServer } from "node:net";
import { join } from "node:path";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { NodeProcess } from "../../scripts/support/node-process.ts";
import { ottla, temporaryDirectory } from "./ottla.ts";

const freePorts = ["--grpc-listeners", "127.0.0.1:0", "--http-listeners", "127.0.0.1:0", "--log-level", "warn"];

test("a node starts without configuration but ports, says what to type next, and ends in order at SIGINT", async () => {
  await using directory = await temporaryDirectory();
  const { code, stdout } = await ottla(["start", "--data-dir", join(directory.path, "data"), ...freePorts], { interruptOn: "Ctrl-C" });
  expect(stdout).toMatch(/^Ottla \d.*: node 1 is ready after \d/);
  expect(stdout).toContain("npx ottla topic create orders");
  expect(code).toBe(0);
});

test("settings come from flags, environment and file, in this order", async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "node.properties");
  await writeFile(file, `node.id=4\ndata.dir=${join(directory.path, "from-file")}\n`);
  const { stdout } = await ottla(["start", "--json", "--config", file, "--node-id", "6", ...freePorts], {
    env: { OTTLA_NODE_ID: "5", OTTLA_DATA_DIR: join(directory.path, "from-env") },
    interruptOn: "ready",
  });
  expect(JSON.parse(stdout)).toMatchObject({ nodeId: 6, dataDir: join(directory.path, "from-env") });
});

test("every wrong setting is listed at once, with the nearest right name, and nothing is started", async () => {
  await using directory = await temporaryDirectory();
  const { code, stderr } = await ottla([
    "start",
    "--data-dir",
    join(directory.path, "data"),
    "--log-segmnt-bytes",
    "5",
    "--num-partitions",
    "0",
  ]);
  expect(code).toBe(2);
  expect(stderr).toContain("log.segmnt.bytes");
  expect(stderr).toContain("log.segment.bytes");
  expect(stderr).toContain("num.partitions");
  await expect(readFile(join(directory.path, "data/meta.properties"))).rejects.toThrow("ENOENT");
});

test("a port in use is named with its setting", async () => {
  await using directory = await temporaryDirectory();
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const args = (name: string): string[] => ["start", "--data-dir", join(directory.path, name)];
  const grpc = await ottla([...args("a"), "--grpc-listeners", `127.0.0.1:${port}`, "--http-listeners", "127.0.0.1:0"]);
  const http = await ottla([...args("b"), "--grpc-listeners", "127.0.0.1:0", "--http-listeners", `127.0.0.1:${port}`]);
  server.close();
  expect(grpc).toMatchObject({ code: 1, stderr: expect.stringMatching(new RegExp(`127.0.0.1:${port}.*in use.*grpc.listeners`)) });
  expect(http).toMatchObject({ code: 1, stderr: expect.stringMatching(new RegExp(`127.0.0.1:${port}.*in use.*http.listeners`)) });
});

test("a directory of another node, of a live process, or of a newer format is refused with the way out", async () => {
  await using directory = await temporaryDirectory();
  const dataDir = join(directory.path, "data");
  {
    await using node = await NodeProcess.start({ dataDir, settings: { "grpc.listeners": "127.0.0.1:0" } });
    const second = await ottla(["start", "--data-dir", dataDir, ...freePorts]);
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining(String(node.pid)) });
    expect(second.stderr).toContain("stop that process or set another data.dir");
  }
  const other = await ottla(["start", "--data-dir", dataDir, "--node-id", "2", ...freePorts]);
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining("it belongs to node 1, this is node 2") });
  await writeFile(join(dataDir, "meta.properties"), "version=9\nnode.id=1\n");
  const newer = await ottla(["start", "--data-dir", dataDir, ...freePorts]);
  expect(newer).toMatchObject({ code: 1, stderr: expect.stringContaining("its format is version 9") });
});

test.skipIf(process.getuid?.() === 0)(
  "a directory that cannot be written is refused by path (skipped as root, who may write anywhere)",
  async () => {
    await using directory = await temporaryDirectory();
    const dataDir = join(directory.path, "readonly");
    await mkdir(dataDir);
    await chmod(dataDir, 0o500);
    expect(await ottla(["start", "--data-dir", join(dataDir, "data"), ...freePorts])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("make it writable"),
    });
  },
);

test("a data directory below a file is refused by path", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, "file"), "");
  const { code, stderr } = await ottla(["start", "--data-dir", join(directory.path, "file/data"), ...freePorts]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/Cannot use data directory .*file\/data: ENOTDIR; make it writable for this user or set another data.dir/);
});

test("health, readiness and metrics answer", async () => {
  await using directory = await temporaryDirectory();
  await using node = await NodeProcess.start({ dataDir: join(directory.path, "data"), settings: { "grpc.listeners": "127.0.0.1:0" } });
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`http://${node.http}${path}`);
    return [response.status, await response.text()];
  };
  expect(await get("/healthz")).toEqual([200, "ok\n"]);
  expect(await get("/readyz")).toEqual([200, "ok\n"]);
  expect((await get("/metrics"))[1]).toMatch(/^process_resident_memory_bytes \d+$/m);
  expect((await get("/nothing"))[0]).toBe(404);
  expect((await fetch(`http://${node.http}/metrics`, { method: "POST" })).status).toBe(405);
});
