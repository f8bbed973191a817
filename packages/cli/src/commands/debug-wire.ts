import { formatAddress } from "@ottla/protocol";
import { Command } from "commander";
import { UsageError } from "../exit-codes.ts";
import type { Surroundings } from "../invocation.ts";
import type { Seen } from "../wire/conversation.ts";

interface Options {
  listen: string;
  to: string;
  full: boolean;
  follow: boolean;
}

export function wireCommand({ terminal, signal, stopped }: Surroundings): Command {
  return new Command("wire")
    .description("a proxy that prints each Kafka request and answer as it passes, to any Kafka server")
    .requiredOption("--to <list>", "the server, host:port; of several the first that accepts the connection")
    .option("--listen <address>", "where clients connect, host:port; port 0 picks a free one", "127.0.0.1:19092")
    .option("--full", "print the fields of each message as JSON, too", false)
    .option("--follow", "rewrite the addresses of brokers in answers to ports of this proxy, so that clients stay with it", false)
    .addHelpText(
      "after",
      "\n  ottla debug wire --to localhost:9092 --follow\n  kcat -b localhost:19092 -L\n\nA line each: time, connection, direction, API, version, correlation id, client id, size; with an answer how long it took. Nothing is changed on\nthe way, except addresses with --follow. Without it clients go on to the addresses that brokers advertise, past the proxy. Ctrl-C ends it.",
    )
    .action(async ({ listen, to, full, follow }: Options) => {
      const targets = to.split(",").map((text) => addressOf("--to", text.trim(), 1));
      const listenAt = addressOf("--listen", listen, 0);
      const { WireProxy } = await import("../wire/proxy.ts");
      let written: Promise<void> = Promise.resolve();
      const ended = new Promise<void>((resolve, reject) => {
        signal.addEventListener("abort", () => resolve(), { once: true });
        // The next line shows that nobody reads any more.
        const print = (seen: Seen): void => {
          written = written.then(() => terminal.write(line(seen, full)));
          written.catch(reject);
        };
        WireProxy.start({ listen: listenAt, targets, follow, print }).then((proxy) => {
          terminal.error(`Listening on ${formatAddress(proxy.address)}, passing on to ${targets.map(formatAddress).join(", ")}\n`);
          signal.addEventListener("abort", () => void proxy.close(), { once: true });
        }, reject);
      });
      await ended;
      await written;
      stopped();
    });
}

/** @throws UsageError naming the option and what it takes */
function addressOf(option: string, text: string, leastPort: number): { host: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || !(port >= leastPort && port <= 65_535))
    throw new UsageError(`${option} is "${text}"; it takes host:port, such as localhost:9092, with a port from ${leastPort} to 65535`);
  return { host, port };
}

function line(seen: Seen, full: boolean): string {
  const head = `${new Date().toISOString().slice(11, 23)} #${seen.connection}`;
  if (seen.kind === "note") return `${head} ${seen.text}\n`;
  const { api, version, correlationId, clientId, bytes, durationMs, fields, trouble } = seen;
  const parts = [
    seen.kind === "request" ? "->" : "<-",
    `${api} v${version}`,
    `id ${correlationId}`,
    ...(seen.kind === "request" ? [`client ${clientId === null ? "null" : JSON.stringify(clientId)}`] : []),
    `${bytes} bytes`,
    ...(durationMs === undefined ? [] : [`${durationMs.toFixed(1)} ms`]),
    ...(trouble === undefined ? [] : [`UNREADABLE: ${trouble}`]),
  ];
  const body = full && fields !== undefined ? `\n  ${JSON.stringify(fields, shown)}` : "";
  return `${head} ${parts.join("  ")}${body}\n`;
}

/** Records and other bytes are shown by their size. */
function shown(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  return typeof value === "bigint" ? String(value) : value;
}
