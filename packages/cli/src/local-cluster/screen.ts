import { formatBytes, formatCount } from "../output/size.ts";
import { table } from "../output/table.ts";
import type { Terminal } from "../terminal.ts";
import type { LocalNode } from "./local-node.ts";
import type { NodeSurvey, Survey } from "./survey.ts";

/** The table of nodes, drawn over itself below the lines that were said. */
export class Screen {
  readonly #terminal: Terminal;
  #drawnLines = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** A line that stays, above the table. */
  say(text: string): void {
    this.clear();
    this.#terminal.error(`${text}\n`);
  }

  draw(nodes: readonly LocalNode[], survey: Survey | null): void {
    const text = `\n${survey?.health ?? "Starting"}\n${nodeTable(nodes, survey)}`;
    this.clear();
    this.#terminal.error(text);
    this.#drawnLines = text.split("\n").length - 1;
  }

  clear(): void {
    if (this.#drawnLines > 0) this.#terminal.error(`\u001b[${this.#drawnLines}A\u001b[0J`);
    this.#drawnLines = 0;
  }
}

function nodeTable(nodes: readonly LocalNode[], survey: Survey | null): string {
  return table(
    [
      { title: "NODE", align: "right" },
      { title: "PID", align: "right" },
      { title: "PROCESS" },
      { title: "CLIENTS" },
      { title: "ROLES" },
      { title: "STATE" },
      { title: "LEADS", align: "right" },
      { title: "IN SYNC", align: "right" },
      { title: "RECORDS/S", align: "right" },
      { title: "BYTES/S", align: "right" },
    ],
    nodes.map((node) => {
      const { plan, state } = node;
      const said: NodeSurvey | undefined = survey?.nodes.get(plan.nodeId);
      return [
        plan.nodeId,
        state.kind === "ended" ? null : state.pid,
        state.kind === "ended" ? `ended ${state.how}` : state.kind,
        plan.grpc,
        said?.role ?? null,
        said?.state ?? null,
        said?.leads ?? null,
        said && said.inSync !== null && said.replicas !== null ? `${said.inSync}/${said.replicas}` : null,
        said && said.recordsPerSecond !== null ? formatCount(said.recordsPerSecond) : null,
        said && said.bytesPerSecond !== null ? formatBytes(Math.round(said.bytesPerSecond)) : null,
      ];
    }),
  );
}
