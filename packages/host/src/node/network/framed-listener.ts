import net from "node:net";
import type { Address, FramedConnection, FramedListenOptions, Listener } from "../../network.ts";
import { cannotListen } from "./cannot-listen.ts";
import { FramedSocket } from "./framed-socket.ts";

export class FramedListener implements Listener {
  readonly #server = net.createServer({ pauseOnConnect: true, noDelay: true });
  readonly #sockets = new Set<FramedSocket>();
  #address: Address;
  #closing: Promise<void> | null = null;

  private constructor(at: Address) {
    this.#address = at;
  }

  /** @throws NetworkError whose message names the address: in use, or not of this machine */
  static async listen(at: Address, accept: (connection: FramedConnection) => void, options: FramedListenOptions): Promise<FramedListener> {
    const listener = new FramedListener(at);
    listener.#server.on("connection", (socket) => listener.#accept(socket, accept, options));
    await listener.#bind();
    return listener;
  }

  get address(): Address {
    return this.#address;
  }

  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  #accept(accepted: net.Socket, accept: (connection: FramedConnection) => void, options: FramedListenOptions): void {
    if (this.#sockets.size >= options.maxConnections) {
      options.full(`${accepted.remoteAddress}:${accepted.remotePort}`);
      accepted.destroy();
      return;
    }
    const socket: FramedSocket = new FramedSocket(accepted, options, () => this.#sockets.delete(socket));
    this.#sockets.add(socket);
    accept(socket);
  }

  #bind(): Promise<void> {
    return new Promise((resolve, reject) => {
      const { host, port } = this.#address;
      const onError = (error: NodeJS.ErrnoException): void => reject(cannotListen(this.#address, error));
      this.#server.once("error", onError);
      this.#server.listen(port, host, () => {
        this.#server.off("error", onError);
        // Accepting can fail later, when the process has no file descriptors left: the connection is lost, the listener goes on.
        this.#server.on("error", () => {});
        const bound = this.#server.address();
        if (bound !== null && typeof bound === "object") this.#address = { host, port: bound.port };
        resolve();
      });
    });
  }

  async #close(graceMs: number): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    if (graceMs > 0 && this.#sockets.size > 0) {
      const over = Promise.all([...this.#sockets].map((socket) => socket.over));
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([over, new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)))]);
      clearTimeout(timer);
    }
    const rest = [...this.#sockets];
    for (const socket of rest) socket.destroy();
    await Promise.all([stopped, ...rest.map((socket) => socket.over)]);
  }
}
