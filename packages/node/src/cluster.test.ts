import type { Broker } from "@ottla/broker";
import type { Controller } from "@ottla/controller";
import { type Host, silentLogger } from "@ottla/host";
import { expect, test } from "vitest";
import { machineSettings, machines, start, voterSettings } from "./cluster.test.kit.ts";
import { Node } from "./node.ts";

test("three voters found one cluster, and each serves as a broker of it, within 0.6 s", async () => {
  const hosts = machines();
  const { clock } = hosts[0];
  const nodes = await clock.run(Promise.all(hosts.map((host, at) => start(host, voterSettings(at + 1, 3)))));
  expect(clock.monotonicMs()).toBeLessThan(600);
  expect(new Set(nodes.map(({ clusterId }) => clusterId)).size).toBe(1);
  expect(nodes.map(({ health }) => health)).toEqual(nodes.map(() => ({ live: true, ready: true, reasons: [] })));
  await clock.run(Promise.all(nodes.map((node) => node.close())));
});

test("a cluster is not founded before the last voter is there, and whoever waits says for whom", async () => {
  const hosts = machines();
  const { clock } = hosts[0];
  const waiting: string[] = [];
  const logger = { ...silentLogger, warn: (_: object, text: string) => void waiting.push(text), child: () => logger };
  const two = Promise.all(([0, 1] as const).map((at) => start(hosts[at], voterSettings(at + 1, 3), logger)));
  let founded = false;
  void two.then(() => (founded = true));
  await clock.advance(12_000);
  expect(founded).toBe(false);
  expect(waiting).toContainEqual(expect.stringMatching(/^Node 1 does not serve yet: .*controller 3 at node-3:9095 cannot be reached/));
  const before = clock.monotonicMs();
  const third = await clock.run(start(hosts[2], voterSettings(3, 3)));
  const nodes = [...(await clock.run(two)), third];
  expect(clock.monotonicMs() - before).toBeLessThan(600);
  expect(new Set(nodes.map(({ clusterId }) => clusterId)).size).toBe(1);
  await clock.run(Promise.all(nodes.map((node) => node.close())));
});

test("a broker joins by the address of one controller, and one controller alone is a node too", async () => {
  const hosts = machines();
  const [one, two, three] = hosts;
  const { clock } = one;
  const controller = await clock.run(start(one, { ...voterSettings(1, 1), "process.roles": "controller" }));
  expect(controller.bootstrap).toEqual([]);
  const joins = { "controller.quorum.bootstrap.servers": "node-1:9095" };
  const brokers = await clock.run(
    Promise.all([start(two, { ...machineSettings(2), ...joins }), start(three, { ...machineSettings(3), ...joins })]),
  );
  expect(brokers.map(({ clusterId }) => clusterId)).toEqual([controller.clusterId, controller.clusterId]);
  expect(brokers.map(({ health }) => health.ready)).toEqual([true, true]);
  await clock.run(Promise.all([...brokers, controller].map((node) => node.close())));
});

test("a node with both roles joins by the address of one controller, and its own controller follows the quorum", async () => {
  const hosts = machines();
  const [one, two] = hosts;
  const { clock } = one;
  const first = await clock.run(start(one, voterSettings(1, 1)));
  const joins = { "process.roles": "controller,broker", "controller.quorum.bootstrap.servers": "node-1:9095" };
  const seen: Controller[] = [];
  const second = await clock.run(
    Node.start({
      host: two,
      config: { ...machineSettings(2), ...joins },
      logger: silentLogger,
      inspector: { controller: (controller) => void seen.push(controller), broker: () => {} },
    }),
  );
  expect(second.clusterId).toBe(first.clusterId);
  expect(second.health.ready).toBe(true);
  expect(seen[0]?.inspect()).toMatchObject({ role: "follower", leader: 1, voters: [{ nodeId: 1 }] });
  await clock.run(Promise.all([second.close(), first.close()]));
});

test("a directory of another cluster is refused by name", async () => {
  const [one, two] = machines();
  const { clock } = one;
  const alone = await clock.run(start(two, machineSettings(2)));
  await clock.run(alone.close());
  const cluster = await clock.run(start(one, machineSettings(1)));
  const joins = { ...machineSettings(2), "controller.quorum.bootstrap.servers": "node-1:9095" };
  await expect(clock.run(start(two, joins))).rejects.toThrow(`belongs to cluster ${cluster.clusterId}`);
  await clock.run(cluster.close());
});

test("a node with the id of the one that leads the controllers, which it does not dial, says so and takes nothing from it", async () => {
  const hosts = machines();
  const { clock } = hosts[0];
  const controllers: Controller[] = [];
  const startVoter = (host: Host, at: number): Promise<Node> => {
    const inspector = { controller: (controller: Controller) => void (controllers[at] = controller) };
    return Node.start({ host, config: voterSettings(at + 1, 2), logger: silentLogger, inspector });
  };
  const nodes = await clock.run(Promise.all([startVoter(hosts[0], 0), startVoter(hosts[1], 1)]));
  const leads = 1 + controllers.findIndex(({ status }) => status.role === "leader");
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (_: object, text: string) => void warnings.push(text), child: () => logger };
  const config = { ...machineSettings(3), "node.id": leads, "controller.quorum.bootstrap.servers": `node-${3 - leads}:9095` };
  const aborter = new AbortController();
  const second = Node.start({ host: hosts[2], config, logger, signal: aborter.signal });
  await clock.advance(6000);
  expect(warnings.join("\n")).toContain(`if another process with node.id=${leads} runs, give this node another node.id, or stop the other`);
  expect(nodes.map(({ health }) => health.ready)).toEqual([true, true]);
  aborter.abort(new Error("enough"));
  await expect(clock.run(second)).rejects.toThrow("enough");
  await clock.run(Promise.all(nodes.map((node) => node.close())));
});

test("a node whose own file differs in what decides about acknowledged records follows the cluster, and says so", async () => {
  const hosts = machines();
  const { clock } = hosts[0];
  const said: string[] = [];
  const logger = { ...silentLogger, warn: (_: object, text: string) => void said.push(text), child: () => logger };
  const own = [{}, {}, { "log.flush.policy": "os", "min.insync.replicas": "1" }];
  const starts = hosts.map((host, at) => start(host, { ...voterSettings(at + 1, 3), ...own[at] }, logger));
  const nodes = await clock.run(Promise.all(starts));
  expect(said.filter((text) => text.includes("has no effect"))).toEqual([
    expect.stringContaining("log.flush.policy=os has no effect: the cluster was founded with commit"),
    expect.stringContaining("min.insync.replicas=1 has no effect"),
  ]);
  await clock.run(Promise.all(nodes.map((node) => node.close())));
});

test("a waiting start can be aborted", async () => {
  const [one] = machines();
  const aborter = new AbortController();
  const starting = Node.start({ host: one, config: voterSettings(1, 2), logger: silentLogger, signal: aborter.signal });
  await one.clock.advance(100);
  aborter.abort(new Error("no longer wanted"));
  await expect(one.clock.run(starting)).rejects.toThrow("no longer wanted");
  const again = Node.start({ host: one, config: machineSettings(1), logger: silentLogger });
  await one.clock.run((await one.clock.run(again)).close());
});

test("voters whose lists differ found nothing and say which list is whose", async () => {
  const hosts = machines();
  const [one, two] = hosts;
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (_: object, text: string) => void warnings.push(text), child: () => logger };
  const aborter = new AbortController();
  const other = { ...voterSettings(2, 2), "controller.quorum.voters": "1@node-1:9095,2@node-2:9095,3@node-3:9095" };
  const starting = Promise.allSettled([
    Node.start({ host: one, config: voterSettings(1, 2), logger, signal: aborter.signal }),
    Node.start({ host: two, config: other, logger: silentLogger, signal: aborter.signal }),
  ]);
  await one.clock.advance(6000);
  expect(warnings.join("\n")).toMatch(
    /controller.quorum.voters differs: controller 2 lists 1@node-1:9095, ?2@node-2:9095, ?3@node-3:9095, this controller 1 lists 1@node-1:9095, ?2@node-2:9095; give every voter the same list/,
  );
  aborter.abort(new Error("enough"));
  await one.clock.run(starting);
});

test.each(["which leads the controllers", "which does not"])(
  "a node that cannot go on, %s, is out of the others' way at once",
  async (which) => {
    const hosts = machines();
    const { clock } = hosts[0];
    const brokers: Broker[] = [];
    const controllers: Controller[] = [];
    const nodes = await clock.run(
      Promise.all(
        hosts.map((host, at) => {
          const inspector = {
            broker: (broker: Broker) => void (brokers[at] = broker),
            controller: (controller: Controller) => void (controllers[at] = controller),
          };
          return Node.start({ host, config: voterSettings(at + 1, 3), logger: silentLogger, inspector });
        }),
      ),
    );
    const isWanted = (controller: Controller): boolean =>
      (controller.status.role === "leader") === (which === "which leads the controllers");
    const victim = controllers.findIndex(isWanted);
    const others = brokers.filter((_, at) => at !== victim);
    const failedAtMs = clock.monotonicMs();
    brokers[victim]?.fail(new Error("its disk is dead"));
    await clock.runUntil(() => others.every((broker) => broker.inspect().image.brokers.get(victim + 1)?.fenced === true));
    expect(clock.monotonicMs() - failedAtMs).toBeLessThan(which === "which does not" ? 50 : 400);
    expect((await clock.run(nodes[victim]?.closed ?? Promise.resolve(null)))?.message).toBe("its disk is dead");
    await clock.run(Promise.all(nodes.map((node) => node.close())));
  },
);

test("when all nodes stop at once, the last one waits for nobody", async () => {
  const hosts = machines();
  const { clock } = hosts[0];
  const nodes = await clock.run(Promise.all(hosts.map((host, at) => start(host, voterSettings(at + 1, 3)))));
  const startedMs = clock.monotonicMs();
  await clock.run(Promise.all(nodes.map((node) => node.close())));
  expect(clock.monotonicMs() - startedMs).toBeLessThan(100);
});
