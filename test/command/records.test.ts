import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NodeProcess } from "../../scripts/support/node-process.ts";
import { ottla as run, type Outcome } from "./ottla.ts";

let directory: string;
let node: NodeProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "ottla-command-"));
  node = await NodeProcess.start({ dataDir: join(directory, "data"), settings: { "grpc.listeners": "127.0.0.1:0" } });
});

afterAll(async () => {
  await node.stop();
  await rm(directory, { recursive: true, force: true });
});

function ottla(args: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<Outcome> {
  return run(args, { ...options, env: { OTTLA_BOOTSTRAP: node.bootstrap.join(","), ...options.env } });
}

const ok = (stdout: string | RegExp): object => ({ code: 0, stdout: typeof stdout === "string" ? stdout : expect.stringMatching(stdout) });

test("lines go in and come out in order, with keys, headers and positions", async () => {
  expect(await ottla(["topic", "create", "letters", "--partitions", "1"])).toMatchObject(ok(/letters +1 +1 +created/));
  expect(await ottla(["produce", "letters", "-k", ":", "-H", "from=test"], { input: "a:alpha\nb:beta\nc:\n" })).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("3 records acknowledged in letters"),
  });
  expect(await ottla(["consume", "letters", "--format", "%o %k=%v %h\\n"])).toMatchObject(
    ok("0 a=alpha from=test\n1 b=beta from=test\n2 c= from=test\n"),
  );
  expect(await ottla(["consume", "letters", "--from", "1", "--to", "2"])).toMatchObject(ok("beta\n"));
  expect(await ottla(["consume", "letters", "--from", "-1", "--format", "%k"])).toMatchObject(ok("c"));
  expect(await ottla(["consume", "letters", "-n", "2", "--format", "%k"])).toMatchObject(ok("ab"));
});

test("JSON that was consumed is produced again, and a date finds its record", async () => {
  await ottla(["topic", "create", "dated", "--config", "retention.ms=-1"]);
  const file = join(directory, "dated.json");
  await writeFile(
    file,
    '{"key":"k1","value":"one","timestamp":978307200000}\n{"key":"k2","value":null,"timestamp":978393600000,"headers":[["h",null],["h","2"]]}\n',
  );
  expect(await ottla(["produce", "dated", "--format", "json", "--file", file])).toMatchObject({ code: 0 });
  expect(await ottla(["consume", "dated", "--from", "2001-01-02", "--format", "json"])).toMatchObject(
    ok('{"topic":"dated","partition":0,"offset":1,"timestamp":978393600000,"key":"k2","value":null,"headers":[["h",null],["h","2"]]}\n'),
  );
  expect(await ottla(["offsets", "topic", "dated", "--at", "2001-01-02", "--json"])).toMatchObject(ok(/"offset": 1/));
});

test("producing records that retention would remove at once warns and names the way out", async () => {
  await ottla(["topic", "create", "short"]);
  const { stderr, code } = await ottla(["produce", "short", "--format", "json"], { input: '{"value":"old","timestamp":978307200000}\n' });
  expect(code).toBe(0);
  expect(stderr).toContain("Warning: records from 2001-01-01T00:00:00.000Z are older than short keeps them (retention.ms=604800000)");
  expect(stderr).toContain("ottla topic alter short --set retention.ms=-1");
});

test("a line that is no record ends with its number and what was written before it", async () => {
  await ottla(["topic", "create", "lines"]);
  const { code, stderr } = await ottla(["produce", "lines", "-k", ":"], { input: "a:1\nb\nc:3\n" });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^1 records acknowledged in lines.*\nottla: standard input, line 2 has no key separator ":"/);
  expect(await ottla(["produce", "lines", "-f", join(directory, "missing")])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/ottla: Cannot read .*missing: ENOENT/),
  });
});

test("a group goes on where it stopped, can be looked at, moved and forgotten", async () => {
  await ottla(["topic", "create", "queue"]);
  await ottla(["produce", "queue"], { input: "1\n2\n3\n4\n" });
  expect(await ottla(["consume", "queue", "-g", "workers", "-n", "3"])).toMatchObject(ok("1\n2\n3\n"));
  expect(await ottla(["consume", "queue", "-g", "workers"])).toMatchObject(ok("4\n"));
  expect(await ottla(["offsets", "group", "workers"])).toMatchObject(ok(/queue +0 +4 +4 +0 /));
  expect(await ottla(["offsets", "reset", "workers", "--topic", "queue", "--to", "1"])).toMatchObject(ok(/queue +0 +1 +4 +3 /));
  expect(await ottla(["offsets", "groups"])).toMatchObject(ok(/workers +1 /));
  expect(await ottla(["offsets", "delete", "workers"])).toMatchObject(ok(/workers +all +forgotten/));
  expect(await ottla(["consume", "queue", "-g", "workers", "-n", "1"])).toMatchObject(ok("1\n"));
});

test("a group commits only what was shown, also of a partition whose end came before that of the others", async () => {
  await ottla(["topic", "create", "halves", "-p", "2"]);
  for (const partition of ["0", "1"]) await ottla(["produce", "halves", "-p", partition], { input: "a\nb\nc\n" });
  expect(await ottla(["consume", "halves", "-g", "careful", "--to", "1"])).toMatchObject(ok("a\na\n"));
  expect(await ottla(["offsets", "group", "careful"])).toMatchObject(ok(/halves +0 +1 +3 +2 .*\nhalves +1 +1 +3 +2 /));
  expect(await ottla(["consume", "halves", "-g", "careful"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^(b\nc\n){2}$/) });
});

test("an offset that a partition does not hold is told, and reading goes on at the nearest it holds", async () => {
  await ottla(["topic", "create", "few"]);
  await ottla(["produce", "few"], { input: "a\nb\nc\n" });
  const beyond = await ottla(["consume", "few", "--from", "9"]);
  expect(beyond).toMatchObject({ code: 0, stdout: "", stderr: expect.stringContaining("few/0 ends at 3, before --from 9") });
  await ottla(["topic", "trim", "few", "--partition", "0", "--before", "1"]);
  const below = await ottla(["consume", "few", "--from", "0"]);
  expect(below).toMatchObject({ code: 0, stdout: "b\nc\n", stderr: expect.stringContaining("few/0 begins at 1, behind --from 0") });
});

test("topics are listed, described, altered, trimmed and deleted", async () => {
  await ottla(["topic", "create", "shape", "-p", "2", "-c", "retention.ms=1000000"]);
  expect(await ottla(["topic", "list"])).toMatchObject(ok(/shape +2 +1/));
  expect(await ottla(["topic", "alter", "shape", "-p", "3", "--set", "segment.bytes=1048576", "--delete", "retention.ms"])).toMatchObject(
    ok(/segment.bytes=1048576\nPARTITION/),
  );
  await ottla(["produce", "shape", "-p", "2"], { input: "x\ny\n" });
  expect(await ottla(["topic", "trim", "shape", "--partition", "2", "--before", "1"])).toMatchObject(ok(/shape +2 +1/));
  expect(await ottla(["consume", "shape"])).toMatchObject(ok("y\n"));
  expect(await ottla(["topic", "delete", "shape"])).toMatchObject({ code: 0 });
  expect(await ottla(["topic", "describe", "shape"])).toMatchObject({ code: 1, stderr: expect.stringContaining("shape") });
});

test("status and features are told to people and to programs", async () => {
  expect(await ottla(["cluster", "status"])).toMatchObject(ok(/^Healthy\nCluster [\w-]{22}, /));
  const { stdout } = await ottla(["cluster", "status", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({
    healthy: true,
    controllerId: 1,
    nodes: [{ nodeId: 1, broker: true, voter: true, fenced: false }],
  });
  expect(await ottla(["feature", "describe"])).toMatchObject(ok(/metadata.version +1 +1 to 1/));
});

test("following ends in order at SIGINT, with its offsets committed", async () => {
  await ottla(["topic", "create", "live"]);
  await ottla(["produce", "live"], { input: "one\ntwo\n" });
  expect(await ottla(["consume", "live", "--follow", "-g", "followers"], { interruptOn: "two" })).toMatchObject({
    code: 130,
    stdout: "one\ntwo\n",
  });
  expect(await ottla(["offsets", "group", "followers"])).toMatchObject(ok(/live +0 +2 +2 +0 /));
});

test.each([
  [["topic", "create", "bad name"], 1, /bad name/],
  [["topic", "create", "letters"], 1, /letters.*exists/],
  [["topic", "create", "t", "-p", "0"], 2, /--partitions is 0; it takes a whole number from 1/],
  [["topic", "create", "t", "-c", "retention.msx=1"], 1, /retention.msx.*retention.ms/],
  [["topic", "create", "t", "-r", "3"], 1, /3.*1/],
  [["consume", "nowhere"], 1, /nowhere/],
  [["consume", "letters", "-p", "7"], 2, /letters has no partition 7; it has 0 to 0/],
  [["consume", "letters", "--from", "yesterday"], 2, /--from is "yesterday"/],
  [["produce"], 2, /missing required argument 'topic'/],
  [["tpoic"], 2, /unknown command 'tpoic'/],
  [["config", "describe"], 2, /--topic NAME, --node ID/],
] as [string[], number, RegExp][])("ottla %j is refused with exit code %i and says why", async (args, code, text) => {
  expect(await ottla(args)).toMatchObject({ code, stderr: expect.stringMatching(text) });
});
