import net from "node:net";
import { hostname } from "node:os";
import { aborted } from "../../aborted.ts";
import {
  NetworkError,
  type Address,
  type DialOptions,
  type FramedConnection,
  type FramedListenOptions,
  type Listener,
  type ListenOptions,
  type Network,
  type Service,
  type Session,
} from "../../network.ts";
import { Connection, peerName } from "./connection.ts";
import { FramedListener } from "./framed-listener.ts";
import { GrpcListener } from "./grpc-listener.ts";
import { loadGrpc } from "./grpc.ts";

/** How long `close` lets sessions that this side closed end in order. */
const FAREWELL_MS = 1000;

/** Sessions as bidirectional gRPC streams. One connection per peer, lane and message limit, which grpc-js fixes per channel. */
export class GrpcNetwork implements Network {
  readonly hostName = hostname();
  readonly #connections = new Map<string, Connection>();
  #closed = false;

  async dial(peer: Address, service: string, options: DialOptions): Promise<Session> {
    const grpc = await loadGrpc();
    if (this.#closed) throw new NetworkError({ kind: "closed-here", message: `cannot dial ${peerName(peer)}: this network is closed` });
    const key = `${peerName(peer)} ${options.maxFrameBytes} ${options.lane ?? ""}`;
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      connection = new Connection(grpc, peer, options.maxFrameBytes, () => this.#connections.delete(key));
      this.#connections.set(key, connection);
    }
    return connection.dial(service, options);
  }

  probe(peer: Address, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(aborted(peerName(peer), signal));
      const socket = net.connect(peer.port, peer.host);
      const finish = (settle: () => void): void => {
        signal.removeEventListener("abort", onAbort);
        socket.destroy();
        settle();
      };
      const onAbort = (): void => finish(() => reject(aborted(peerName(peer), signal)));
      signal.addEventListener("abort", onAbort, { once: true });
      socket.once("connect", () => finish(resolve));
      socket.on("error", (error: NodeJS.ErrnoException) => {
        const kind = error.code === "ECONNREFUSED" ? "refused" : "unreachable";
        finish(() =>
          reject(
            new NetworkError({
              kind,
              ...(error.code === undefined ? {} : { code: error.code }),
              message: `${peerName(peer)} cannot be reached: ${error.message}`,
            }),
          ),
        );
      });
    });
  }

  async listen(at: Address, services: readonly Service[], options: ListenOptions): Promise<Listener> {
    return GrpcListener.listen(await loadGrpc(), at, services, options);
  }

  listenFramed(at: Address, accept: (connection: FramedConnection) => void, options: FramedListenOptions): Promise<Listener> {
    return FramedListener.listen(at, accept, options);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const streams = [...this.#connections.values()].flatMap((connection) => [...connection.streams]);
    for (const { session } of streams) session.close();
    if (streams.length > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, FAREWELL_MS);
        void Promise.all(streams.map((stream) => stream.over)).then(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }
}
