import net from "node:net";
import type { Channel } from "@grpc/grpc-js";
import { aborted } from "../../aborted.ts";
import {
  NetworkError,
  type Address,
  type DialOptions,
  type Listener,
  type ListenOptions,
  type Network,
  type Service,
  type Session,
} from "../../network.ts";
import { dialStream, type Dialled } from "./dialled-stream.ts";
import { GrpcListener } from "./grpc-listener.ts";
import { IDLE_MS, KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS, loadGrpc, RECEIVE_WINDOW_BYTES, type Grpc } from "./grpc.ts";

/** How long `close` lets sessions that this side closed end in order. */
const FAREWELL_MS = 1000;

interface Connection {
  readonly channel: Channel;
  readonly streams: Set<Dialled>;
}

/** Sessions as bidirectional gRPC streams. One channel per peer and message limit, which grpc-js fixes per channel. */
export class GrpcNetwork implements Network {
  readonly #connections = new Map<string, Connection>();
  #closed = false;

  async dial(peer: Address, service: string, options: DialOptions): Promise<Session> {
    const grpc = await loadGrpc();
    if (this.#closed) throw new NetworkError({ kind: "closed-here", message: `cannot dial ${name(peer)}: this network is closed` });
    const key = `${name(peer)} ${options.maxFrameBytes}`;
    const connection = this.#connections.get(key) ?? { channel: openChannel(grpc, peer, options.maxFrameBytes), streams: new Set() };
    this.#connections.set(key, connection);
    try {
      const dialled = await dialStream(grpc, connection.channel, name(peer), service, options);
      connection.streams.add(dialled);
      void dialled.over.then(() => connection.streams.delete(dialled));
      return dialled.session;
    } catch (error) {
      // A channel that failed to connect answers from its backoff for a while; a fresh one notices at once when the peer is back.
      if (error instanceof NetworkError && error.reason.kind !== "rejected" && connection.streams.size === 0) {
        connection.channel.close();
        if (this.#connections.get(key) === connection) this.#connections.delete(key);
      }
      throw error;
    }
  }

  probe(peer: Address, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(aborted(name(peer), signal));
      const socket = net.connect(peer.port, peer.host);
      const finish = (settle: () => void): void => {
        signal.removeEventListener("abort", onAbort);
        socket.destroy();
        settle();
      };
      const onAbort = (): void => finish(() => reject(aborted(name(peer), signal)));
      signal.addEventListener("abort", onAbort, { once: true });
      socket.once("connect", () => finish(resolve));
      socket.on("error", (error: NodeJS.ErrnoException) => {
        const kind = error.code === "ECONNREFUSED" ? "refused" : "unreachable";
        finish(() =>
          reject(
            new NetworkError({
              kind,
              ...(error.code === undefined ? {} : { code: error.code }),
              message: `${name(peer)} cannot be reached: ${error.message}`,
            }),
          ),
        );
      });
    });
  }

  async listen(at: Address, services: readonly Service[], options: ListenOptions): Promise<Listener> {
    return GrpcListener.listen(await loadGrpc(), at, services, options);
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
    for (const stream of streams) stream.cancel();
    for (const { channel } of this.#connections.values()) channel.close();
    this.#connections.clear();
  }
}

function name({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function openChannel(grpc: Grpc, peer: Address, maxFrameBytes: number): Channel {
  return new grpc.Channel(`dns:${name(peer)}`, grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": maxFrameBytes,
    "grpc.max_send_message_length": -1,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.initial_reconnect_backoff_ms": 50,
    "grpc.max_reconnect_backoff_ms": 1000,
    "grpc.client_idle_timeout_ms": IDLE_MS,
    "grpc-node.flow_control_window": RECEIVE_WINDOW_BYTES,
    // Sessions are never repeated, and a retry buffer would report messages as written that are not.
    "grpc.enable_retries": 0,
    "grpc.per_rpc_retry_buffer_size": 0,
    // Nothing process-wide: two networks in one process share no connection.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_channelz": 0,
  });
}
