import { strict as assert } from "node:assert";
import type { Http2Server } from "node:http2";
import net from "node:net";
import type { ConnectionInjector, Server, ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { Address, Listener, ListenOptions, Service } from "../../network.ts";
import { acceptStream } from "./accepted-stream.ts";
import { cannotListen } from "./cannot-listen.ts";
import type { GrpcSession } from "./grpc-session.ts";
import { IDLE_MS, KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS, SERVER_WINDOW_BYTES, type Grpc } from "./grpc.ts";

/** Connections beyond the session limit get in, so that they can be told why they are refused; those beyond this are dropped. */
const SPARE_CONNECTIONS = 64;
/** A session that was ended here reaches its peer behind everything that was sent before. A peer that takes none of it for this long loses its
 * connection: the library has no other way to give up what lies in a stream. */
const UNTAKEN_END_MS = 5000;

export class GrpcListener implements Listener {
  readonly #grpc: Grpc;
  readonly #options: ListenOptions;
  readonly #server: Server;
  readonly #injector: ConnectionInjector;
  /** Our own, because the library hides the errors of listening and does not bound connections. */
  readonly #acceptor = net.createServer();
  readonly #sessions = new Set<GrpcSession>();
  /** By the peer's address as the library says it. */
  readonly #sockets = new Map<string, net.Socket>();
  #closing = false;
  #address: Address;

  private constructor(grpc: Grpc, at: Address, services: readonly Service[], options: ListenOptions) {
    this.#grpc = grpc;
    this.#address = at;
    this.#options = options;
    this.#server = new grpc.Server({
      "grpc.max_receive_message_length": options.maxFrameBytes,
      "grpc.max_send_message_length": -1,
      "grpc.keepalive_time_ms": KEEPALIVE_MS,
      "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
      "grpc.max_connection_idle_ms": IDLE_MS,
      "grpc.max_concurrent_streams": options.maxSessions + SPARE_CONNECTIONS,
      "grpc.enable_channelz": 0,
      interceptors: [this.#interceptor(new Map(services.map((service) => [`/${service.name}`, service])))],
    });
    const identity = (message: Buffer): Buffer => message;
    for (const service of services) this.#server.register(`/${service.name}`, () => {}, identity, identity, "bidi");
    this.#injector = this.#server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
    widenWindows(this.#server);
    this.#acceptor.maxConnections = options.maxSessions + SPARE_CONNECTIONS;
    this.#acceptor.on("connection", (socket) => {
      socket.setNoDelay(true);
      const peer = `${socket.remoteAddress}:${socket.remotePort}`;
      this.#sockets.set(peer, socket);
      socket.on("close", () => this.#sockets.delete(peer));
      this.#injector.injectConnection(socket);
    });
  }

  static async listen(grpc: Grpc, at: Address, services: readonly Service[], options: ListenOptions): Promise<GrpcListener> {
    const listener = new GrpcListener(grpc, at, services, options);
    await listener.#bind(at);
    return listener;
  }

  get address(): Address {
    return this.#address;
  }

  async close(graceMs: number): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    const stopped = new Promise<void>((resolve) => this.#acceptor.close(() => resolve()));
    if (graceMs > 0 && this.#sessions.size > 0) await this.#drain(graceMs);
    this.#server.forceShutdown();
    for (const socket of this.#sockets.values()) socket.destroy();
    await stopped;
  }

  #breakUnless(over: Promise<void>, peer: string): void {
    const timer = setTimeout(() => this.#sockets.get(peer)?.destroy(), UNTAKEN_END_MS);
    void over.then(() => clearTimeout(timer));
  }

  #drain(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #bind(at: Address): Promise<void> {
    return new Promise((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        this.#server.forceShutdown();
        reject(cannotListen(at, error));
      };
      this.#acceptor.once("error", onError);
      this.#acceptor.listen(at.port, at.host, () => {
        this.#acceptor.off("error", onError);
        const bound = this.#acceptor.address();
        if (bound !== null && typeof bound === "object") this.#address = { host: at.host, port: bound.port };
        resolve();
      });
    });
  }

  /** Takes each call as the library hands it over, before it is wrapped into Node streams: those would read 16 messages ahead,
   * whatever their size, and send one at a time. */
  #interceptor(services: ReadonlyMap<string, Service>) {
    const open = (path: string, call: ServerInterceptingCallInterface): void => {
      const service = services.get(path);
      if (service === undefined) {
        call.start({ onReceiveMetadata() {}, onReceiveMessage() {}, onReceiveHalfClose() {}, onCancel() {} });
        call.sendStatus({ code: this.#grpc.status.UNIMPLEMENTED, details: `there is no ${path} here` });
        return;
      }
      acceptStream(
        this.#grpc,
        call,
        service,
        () => this.#refusal(),
        (session, over) => {
          this.#sessions.add(session);
          void over.then(() => this.#sessions.delete(session));
          void session.closed.then(() => this.#breakUnless(over, session.peer));
        },
      );
    };
    class SessionCall extends this.#grpc.ServerInterceptingCall {
      readonly #path: string;
      readonly #call: ServerInterceptingCallInterface;

      constructor(path: string, call: ServerInterceptingCallInterface) {
        super(call);
        this.#path = path;
        this.#call = call;
      }

      override start(): void {
        open(this.#path, this.#call);
      }
    }
    return (method: { path: string }, call: ServerInterceptingCallInterface) => new SessionCall(method.path, call);
  }

  #refusal(): { code: string; message: string } | null {
    const { maxSessions } = this.#options;
    const at = `${this.#address.host}:${this.#address.port}`;
    if (this.#closing) return { code: "UNAVAILABLE", message: `${at} is shutting down` };
    if (this.#sessions.size < maxSessions) return null;
    return {
      code: "RESOURCE_EXHAUSTED",
      message: `${at} has ${maxSessions} sessions, which is its limit; close some or raise max.connections`,
    };
  }
}

/** The library sets the receive window of its clients only. With the 64 KiB of HTTP/2 a producer waits for the event loop at the other end
 * once for every 64 KiB, which halves what it can send. The library names its HTTP/2 server nowhere in public. */
function widenWindows(server: Server): void {
  const servers: unknown = Reflect.get(server, "http2Servers");
  assert(servers instanceof Map, "grpc-js keeps its HTTP/2 servers in another place: its version is not the one this was written for");
  for (const http2 of servers.keys() as Iterable<Http2Server>) {
    http2.on("session", (session) => {
      session.settings({ initialWindowSize: SERVER_WINDOW_BYTES });
      session.setLocalWindowSize(SERVER_WINDOW_BYTES);
    });
  }
}
