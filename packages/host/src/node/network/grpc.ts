export type Grpc = typeof import("@grpc/grpc-js");

/** Pings notice a peer that vanished without a word: after this much silence one is sent, */
export const KEEPALIVE_MS = 2000;
/** and the connection is given up when it stays unanswered for this long. */
export const KEEPALIVE_TIMEOUT_MS = 2000;
/** Connections without sessions are kept for reuse this long. */
export const IDLE_MS = 60_000;
/** Receive window of a server, per stream and per connection: it has many clients, and four times HTTP/2's own 64 KiB is enough to keep
 * one that sends without pause from waiting. */
export const SERVER_WINDOW_BYTES = 256 << 10;
/** Receive window of a client, per stream and per connection. HTTP/2's own 64 KiB would cap the throughput. */
export const RECEIVE_WINDOW_BYTES = 4 << 20;

/** Loads grpc-js at first use: it costs 50 ms of a process start. */
export function loadGrpc(): Promise<Grpc> {
  return import("@grpc/grpc-js");
}
