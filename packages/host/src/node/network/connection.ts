import type { Channel } from "@grpc/grpc-js";
import { NetworkError, type Address, type DialOptions, type Session } from "../../network.ts";
import { dialStream, type Dialled } from "./dialled-stream.ts";
import { IDLE_MS, KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS, RECEIVE_WINDOW_BYTES, type Grpc } from "./grpc.ts";

/** One channel to a peer and the sessions on it. */
export class Connection {
  readonly streams = new Set<Dialled>();
  readonly #grpc: Grpc;
  readonly #peer: string;
  readonly #channel: Channel;
  readonly #onRetired: () => void;
  #dialling = 0;
  #retired = false;

  /** `onRetired`: it failed to connect, and is not to be used for further sessions. */
  constructor(grpc: Grpc, peer: Address, maxFrameBytes: number, onRetired: () => void) {
    this.#grpc = grpc;
    this.#peer = peerName(peer);
    this.#channel = openChannel(grpc, this.#peer, maxFrameBytes);
    this.#onRetired = onRetired;
  }

  async dial(service: string, options: DialOptions): Promise<Session> {
    this.#dialling += 1;
    try {
      const dialled = await dialStream(this.#grpc, this.#channel, this.#peer, service, options);
      this.streams.add(dialled);
      void dialled.over.then(() => {
        this.streams.delete(dialled);
        this.#closeIfUnused();
      });
      return dialled.session;
    } catch (error) {
      // A channel that failed to connect answers from its backoff for a while; a fresh one notices at once when the peer is back.
      if (error instanceof NetworkError && error.reason.kind !== "rejected" && this.streams.size === 0 && !this.#retired) {
        this.#retired = true;
        this.#onRetired();
      }
      throw error;
    } finally {
      this.#dialling -= 1;
      this.#closeIfUnused();
    }
  }

  close(): void {
    for (const stream of this.streams) stream.cancel();
    this.#channel.close();
  }

  #closeIfUnused(): void {
    if (this.#retired && this.streams.size === 0 && this.#dialling === 0) this.#channel.close();
  }
}

export function peerName({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function openChannel(grpc: Grpc, peer: string, maxFrameBytes: number): Channel {
  return new grpc.Channel(`dns:${peer}`, grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": maxFrameBytes,
    "grpc.max_send_message_length": -1,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.initial_reconnect_backoff_ms": 20,
    "grpc.max_reconnect_backoff_ms": 500,
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
