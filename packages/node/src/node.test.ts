import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeHost, silentLogger } from "@ottla/host";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Node } from "./node.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "ottla-node-"));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function settings(port: number): { [name: string]: string } {
  return { "data.dir": join(directory, "data"), "grpc.listeners": `127.0.0.1:${port}`, "http.listeners": "127.0.0.1:0" };
}

function listen(port: number): Promise<void> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => server.close(() => resolve()));
  });
}

test("a start that fails leaves no door open behind it", async () => {
  const host = nodeHost();
  const port = await freePort();
  await mkdir(join(directory, "data/controller"), { recursive: true });
  await writeFile(join(directory, "data/controller/directory-id"), "?");
  await expect(Node.start({ config: settings(port), host, logger: silentLogger })).rejects.toThrow("directory-id");
  await listen(port);
  await host.network.close();
});

test("a start can be aborted, and the next one finds directory and port free", async () => {
  const port = await freePort();
  const aborter = new AbortController();
  const starting = Node.start({ config: settings(port), logger: silentLogger, signal: aborter.signal });
  aborter.abort(new Error("no longer wanted"));
  await expect(starting).rejects.toThrow("no longer wanted");
  await using node = await Node.start({ config: settings(port), logger: silentLogger, signal: new AbortController().signal });
  expect(node.health.ready).toBe(true);
});

test("closing twice is closing once, and says that nothing was wrong", async () => {
  const node = await Node.start({ config: settings(0), logger: silentLogger });
  await Promise.all([node.close(), node.close()]);
  expect(await node.closed).toBeNull();
});
