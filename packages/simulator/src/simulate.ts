import { delay, memoryHost, type MemoryHost, SeededRandom } from "@ottla/host";
import { Cluster } from "./cluster/cluster.ts";
import type { Fault } from "./faults/fault.ts";
import { emptied, inject } from "./faults/inject.ts";
import { Operator } from "./faults/operate.ts";
import { lose } from "./faults/loss.ts";
import { Health } from "./health.ts";
import { Recorder } from "./history/recorder.ts";
import { Invariants } from "./invariants/invariants.ts";
import { Violation } from "./invariants/violation.ts";
import { connect, judge } from "./judge.ts";
import { GROUP, Program } from "./load/program.ts";
import { type Figure, Liveness } from "./liveness.ts";
import { observe } from "./observe.ts";
import type { SimulationOptions, SimulationReport } from "./report.ts";
import { scenarioOf, type Scenario } from "./scenario.ts";
import { StepLimit } from "./step-limit.ts";
import { Trace, withCauses } from "./trace.ts";
import { unavailability } from "./unavailability.ts";

/** Virtual time in which a cluster that was healed must serve again, all replicas in sync (L11, L9). */
const HEALED_WITHIN_MS = 30_000;
const FOUNDED_WITHIN_MS = 30_000;
/** After so many a damaged disk is replaced. */
const HOPELESS_STARTS = 3;
const TOPIC = "orders";

/** Runs one seed: a cluster of real nodes on simulated machines, programs that use it, faults, healing, and what must hold all the time and
 * at the end. The same options give the same run. */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #scenario: Scenario;
  readonly #driver: MemoryHost;
  readonly #random: SeededRandom;
  readonly #trace: Trace;
  readonly #recorder: Recorder;
  readonly #cluster: Cluster;
  readonly #invariants: Invariants;
  readonly #programs: Program[];
  readonly #operator: Operator;
  readonly #liveness: Liveness;
  readonly #health: Health;
  readonly #stepLimit: StepLimit;
  readonly #figures: Figure[] = [];
  readonly #findings: { kind: string; text: string }[] = [];
  #history: SimulationReport["history"] = null;
  /** By log, what readers have not come to yet after healing. */
  readonly #unread = new Map<string, number>();
  #healing = false;
  #healedMs = Number.POSITIVE_INFINITY;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const { seed, listen = false } = options;
    this.#scenario = scenarioOf(options);
    this.#driver = memoryHost({ seed, hostName: "driver" });
    this.#random = this.#driver.random.fork();
    this.#stepLimit = new StepLimit(this.#driver.clock);
    this.#trace = new Trace(this.#driver.clock, listen);
    this.#recorder = new Recorder(this.#driver.clock);
    const invariants = new Invariants(
      observe(() => this.#cluster, this.#scenario.flushPolicy !== "commit"),
      () => this.#recorder.events.length,
    );
    this.#invariants = invariants;
    this.#cluster = new Cluster({
      driver: this.#driver,
      seed: this.#random.below(2 ** 32),
      nodes: this.#scenario.nodes,
      clients: this.#scenario.programs,
      trace: this.#trace,
      flushPolicy: this.#scenario.flushPolicy,
      witness: (nodeId) => invariants.witness(nodeId),
      onReplayed: (nodeId, index, term, records) => invariants.replayed(nodeId, index, term, records),
      onEnded: (nodeId, error) => this.#ended(nodeId, error),
    });
    this.#health = new Health(this.#cluster, this.#driver.clock, invariants);
    this.#liveness = new Liveness(this.#cluster, this.#driver.clock, invariants.decisions);
    this.#operator = new Operator({
      cluster: this.#cluster,
      clock: this.#driver.clock,
      random: this.#random.fork(),
      topic: TOPIC,
      partitions: this.#scenario.partitions,
      group: GROUP,
      note: (text) => this.#trace.note(text),
    });
    this.#programs = this.#cluster.clients.map(
      (host, at) =>
        new Program({
          name: `p${at + 1}`,
          host,
          bootstrap: this.#cluster.bootstrap,
          random: new SeededRandom(this.#random.below(2 ** 32)),
          recorder: this.#recorder,
          trace: this.#trace,
          topic: TOPIC,
          partitions: this.#scenario.partitions,
          paceMs: this.#scenario.paceMs,
          onAcknowledged: (partition, offset, invokedMs) => {
            const log = this.#invariants.logOf(this.#recorder.nameOf(partition));
            this.#invariants.acknowledged(log, offset);
            this.#liveness.answered(log, invokedMs);
          },
          epochOf: (partition) =>
            invariants.decisions.partitions.get(this.#invariants.logOf(this.#recorder.nameOf(partition)))?.record.leaderEpoch ?? -1,
          indexOf: (setting) => invariants.decisions.changes.get(setting),
          onRead: (partition, offset) => {
            const log = this.#invariants.logOf(this.#recorder.nameOf(partition));
            this.#invariants.handedOut(log, offset);
            if (offset >= (this.#unread.get(log) ?? Infinity)) this.#unread.delete(log);
          },
        }),
    );
  }

  async run(): Promise<SimulationReport> {
    const { clock } = this.#driver;
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    const work = this.#play();
    work.then(settle, settle);
    try {
      await clock.runUntil(() => {
        this.#stepLimit.count();
        this.#invariants.step();
        return settled;
      }, this.#scenario.faultsMs + 600_000);
      await work;
    } catch (error) {
      work.catch(() => {});
      this.#found(error);
    }
    const virtualMs = clock.monotonicMs();
    this.#figures.push(...this.#liveness.figures);
    if (settled && this.#findings.length === 0) this.#figures.push(...unavailability(this.#recorder.events, this.#healedMs));
    for (const machine of this.#cluster.everyone) machine.kill();
    const sends = this.#recorder.events.filter((event) => event.kind === "send");
    return {
      seed: this.#options.seed,
      scenario: this.#scenario,
      findings: this.#findings,
      hash: this.#trace.hash,
      steps: this.#stepLimit.steps,
      virtualMs,
      acknowledged: sends.filter(({ outcome }) => outcome === "ok").length,
      sent: sends.length,
      read: this.#recorder.events.filter(({ kind }) => kind === "read").length,
      frames: this.#trace.frames,
      lines: this.#trace.lines,
      history: this.#history,
      figures: this.#figures,
      errors: new Map(this.#programs.flatMap(({ errors }) => [...errors])),
    };
  }

  async #play(): Promise<void> {
    const { clock } = this.#driver;
    const { programs, faultsMs, partitions } = this.#scenario;
    for (const { nodeId } of this.#cluster.machines) await this.#cluster.start(nodeId);
    await this.#health.until("L10", FOUNDED_WITHIN_MS, "the first start of all nodes", () =>
      this.#cluster.machines.every(({ serving }) => serving),
    );
    await this.#createTopic(partitions);
    for (const [at, program] of this.#programs.entries()) program.start({ reads: at !== 1 || programs === 1, commits: at === 0 });
    await delay(clock, 500);
    const beginMs = clock.monotonicMs();
    await Promise.all([
      ...this.#scenario.faults.map((fault, number) => this.#happen(fault, number, beginMs)),
      this.#changeFlushPolicy(beginMs + faultsMs),
      this.#lose(beginMs + (this.#scenario.loss?.atMs ?? 0), beginMs + faultsMs),
    ]);
    await delay(clock, Math.max(0, beginMs + faultsMs - clock.monotonicMs()));
    await this.#heal();
    if (this.#scenario.loss !== null && this.#cluster.remaining.length === this.#cluster.machines.length) {
      await this.#lose(clock.monotonicMs(), clock.monotonicMs() + HEALED_WITHIN_MS);
      await this.#heal();
    }
    await this.#readOn();
    await delay(clock, 2_000);
    await Promise.all(this.#programs.map((program) => program.stop()));
    await this.#health.until("L9", HEALED_WITHIN_MS, "the end of all load", () => this.#health.tidy);
    await this.#judge();
  }

  async #createTopic(partitions: number): Promise<void> {
    const ottla = connect(this.#cluster, this.#trace, "judge");
    try {
      await ottla.admin().createTopic({ name: TOPIC, partitions });
    } finally {
      await ottla.close();
    }
  }

  async #happen(fault: Fault, number: number, beginMs: number): Promise<void> {
    const { clock } = this.#driver;
    await delay(clock, Math.max(0, beginMs + fault.atMs - clock.monotonicMs()));
    if (this.#options.without?.has(number) === true) return;
    this.#trace.note(
      `fault ${number}: ${fault.kind}, node ${fault.node}${fault.other === fault.node ? "" : ` (and ${fault.other})`}, ${fault.forMs} ms`,
    );
    const measured = this.#liveness.begin(fault, this.#health.whole);
    const injected = inject(fault, {
      cluster: this.#cluster,
      clock,
      random: new SeededRandom(fault.seed),
      clients: this.#cluster.clientNames,
      operator: this.#operator,
      mayLoseData: (nodeId) => this.#health.mayLoseData(nodeId),
    });
    await Promise.all([measured, injected.finally(() => this.#liveness.end())]);
    this.#trace.note(`fault ${number} is over`);
  }

  /** To and fro between what is acknowledged once it is durable and what is not. */
  async #changeFlushPolicy(untilMs: number): Promise<void> {
    const { clock } = this.#driver;
    const { flushChangesMs, flushPolicy } = this.#scenario;
    if (flushChangesMs === null) return;
    for (let policy = "commit"; clock.monotonicMs() < untilMs; policy = policy === "commit" ? flushPolicy : "commit") {
      await delay(clock, (flushChangesMs * (50 + this.#random.below(100))) / 100);
      await this.#operator.changeFlushPolicy(policy);
    }
  }

  /** Lets a node be lost for good, the one that was drawn or the next, as soon as the others can do without it, if that is before `untilMs`. */
  async #lose(atMs: number, untilMs: number): Promise<void> {
    const { clock } = this.#driver;
    const { loss } = this.#scenario;
    if (loss === null) return;
    await delay(clock, Math.max(0, atMs - clock.monotonicMs()));
    const { members } = this.#cluster;
    const inTurn = [...members.slice(loss.node - 1), ...members.slice(0, loss.node - 1)];
    for (;;) {
      const node = this.#operator.busy ? undefined : inTurn.find((one) => this.#health.mayBeGone(one));
      if (node !== undefined) {
        this.#trace.note(`node ${node} is lost for good: ${loss.kind}`);
        return lose({ ...loss, node }, this.#cluster, new SeededRandom(loss.seed));
      }
      if (clock.monotonicMs() >= untilMs) return this.#trace.note("no node can be done without");
      await delay(clock, 20);
    }
  }

  async #heal(): Promise<void> {
    const what = this.#cluster.remaining.length < this.#cluster.machines.length ? "a majority is healed" : "all is healed";
    this.#trace.note(what);
    this.#healedMs = this.#driver.clock.monotonicMs();
    this.#healing = true;
    this.#cluster.heal();
    for (const { nodeId } of this.#cluster.machines) await this.#cluster.start(nodeId);
    const { guest } = this.#cluster;
    if (this.#invariants.decisions.brokers.has(guest.nodeId)) await this.#cluster.start(guest.nodeId);
    const ms = await this.#health.until("L11", HEALED_WITHIN_MS, "healing", () => this.#health.healed);
    this.#trace.note(`whole ${Math.round(ms)} ms after healing`);
    this.#figures.push({ target: `L11 all replicas in sync once ${what}`, limitMs: HEALED_WITHIN_MS, ms });
  }

  /** Readers come to what is sent from now on. */
  async #readOn(): Promise<void> {
    for (let partition = 0; partition < this.#scenario.partitions; partition += 1) {
      const log = this.#invariants.logOf(`${TOPIC}-${partition}`);
      this.#unread.set(log, this.#invariants.committed.get(log)?.highWatermark ?? 0);
    }
    await this.#health.until("L11", HEALED_WITHIN_MS, "healing", () => this.#unread.size === 0, "readers have not come to new records");
  }

  /** Reads everything and checks the whole history. */
  async #judge(): Promise<void> {
    const { history, anomalies } = await judge({
      cluster: this.#cluster,
      recorder: this.#recorder,
      invariants: this.#invariants,
      trace: this.#trace,
      topic: TOPIC,
      partitions: this.#scenario.partitions,
      mayGiveUp: this.#scenario.flushPolicy !== "commit",
    });
    if (this.#options.keepHistory === true) this.#history = history;
    this.#findings.push(...anomalies);
  }

  #ended(nodeId: number, error: Error): void {
    this.#trace.note(`node ${nodeId} ended by itself: ${withCauses(error)}`);
    const { damaged, failedStarts } = this.#cluster.machine(nodeId);
    // A supervisor starts it again, and an operator reads why it does not start.
    const hopeless = damaged && failedStarts >= HOPELESS_STARTS;
    if (hopeless) this.#trace.note(`node ${nodeId} gets an empty disk`);
    this.#driver.clock.after(this.#healing ? 100 : 500, () => void this.#cluster.start(nodeId, hopeless ? emptied : undefined));
  }

  #found(error: unknown): void {
    if (error instanceof Violation) this.#findings.push({ kind: error.invariant, text: error.message });
    else this.#findings.push({ kind: "stopped", text: error instanceof Error ? `${withCauses(error)}\n${error.stack}` : String(error) });
  }
}
