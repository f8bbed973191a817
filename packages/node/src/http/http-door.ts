import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { NetworkError, type Address, type Metric } from "@ottla/host";
import type { pb } from "@ottla/protocol";
import { reachable } from "../doors/addresses.ts";
import { exposition } from "./exposition.ts";
import { processMetrics } from "./process-metrics.ts";

export interface Health {
  readonly live: boolean;
  readonly ready: boolean;
  /** Why it is not, for people. */
  readonly reasons: readonly string[];
}

export interface Observed {
  health(): Health;
  samples(): Iterable<Metric>;
}

/** The door for probes and dashboards: `/healthz`, `/readyz`, `/metrics`; read-only. */
export class HttpDoor {
  readonly address: Address;
  readonly #server: Server;

  private constructor(server: Server, address: Address) {
    this.#server = server;
    this.address = address;
  }

  static async open(at: Address, node: Observed): Promise<HttpDoor> {
    const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 16 * 1024 }, (request, response) => {
      request.resume();
      answer(request.method ?? "", new URL(request.url ?? "/", "http://ottla").pathname, response, node);
    });
    server.maxConnections = 100;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(at, error)));
      server.listen(at.port, at.host, resolve);
    });
    // With a host and a port `address()` is always an AddressInfo.
    const { port } = server.address() as AddressInfo;
    return new HttpDoor(server, { host: at.host, port });
  }

  /** What the node registers. */
  endpoint(hostName: string): pb.Endpoint {
    return { listener: "HTTP", ...reachable(this.address, hostName) };
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

function answer(method: string, path: string, response: ServerResponse, node: Observed): void {
  if (method !== "GET" && method !== "HEAD") return reply(response, 405, "Only GET: this door does not change anything\n");
  const health = node.health();
  switch (path) {
    case "/healthz":
      return reply(response, health.live ? 200 : 503, health.live ? "ok\n" : `${health.reasons.join("\n")}\n`);
    case "/readyz":
      return reply(response, health.ready ? 200 : 503, `${[...(health.ready ? ["ok"] : []), ...health.reasons].join("\n")}\n`);
    case "/metrics":
      return reply(response, 200, exposition([...node.samples(), ...processMetrics()]));
    default:
      return reply(response, 404, `No ${path} here; there are /healthz, /readyz and /metrics\n`);
  }
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store" }).end(text);
}

function listenError(at: Address, cause: NodeJS.ErrnoException): NetworkError {
  const why = cause.code === "EADDRINUSE" ? "the port is in use" : (cause.code ?? cause.message);
  return new NetworkError({ kind: "refused", code: cause.code ?? "LISTEN", message: `Cannot listen on ${at.host}:${at.port}: ${why}` });
}
