import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { formatAddress } from "@ottla/protocol";
import { type Address, redirected } from "./addresses.ts";
import { Conversation, type Seen } from "./conversation.ts";
import { FrameCutter } from "./frames.ts";

const DIAL_TIMEOUT_MS = 5_000;

export interface WireProxyOptions {
  readonly listen: Address;
  /** Of several the first that accepts. */
  readonly targets: readonly Address[];
  readonly follow: boolean;
  print(seen: Seen): void;
}

/** Passes bytes between clients and servers, and tells what they say to each other. */
export class WireProxy {
  readonly #options: WireProxyOptions;
  readonly #servers = new Map<string, Promise<Server>>();
  readonly #sockets = new Set<Socket>();
  #connections = 0;
  #address: Address = { host: "", port: 0 };

  private constructor(options: WireProxyOptions) {
    this.#options = options;
  }

  /** Rejects when nobody can be reached, or the address cannot be listened on. */
  static async start(options: WireProxyOptions): Promise<WireProxy> {
    const proxy = new WireProxy(options);
    (await dial(options.targets)).destroy();
    const server = proxy.#listen(options.listen, options.targets);
    const [only, ...others] = options.targets;
    if (only && others.length === 0) proxy.#servers.set(formatAddress(only), server);
    else proxy.#servers.set("", server);
    proxy.#address = { host: options.listen.host, port: portOf(await server) };
    return proxy;
  }

  get address(): Address {
    return this.#address;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers.values()) (await server).close();
  }

  async #listen(at: Address, targets: readonly Address[]): Promise<Server> {
    const server = createServer({ noDelay: true, pauseOnConnect: true }, (client) => void this.#accept(client, targets));
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) =>
        reject(
          new Error(`Cannot listen on ${formatAddress(at)}: ${error.message}; choose another address with --listen`, { cause: error }),
        ),
      );
      server.listen(at.port, at.host, resolve);
    });
    return server;
  }

  async #accept(client: Socket, targets: readonly Address[]): Promise<void> {
    const connection = (this.#connections += 1);
    const note = (text: string): void => this.#options.print({ kind: "note", connection, text });
    this.#keep(client);
    client.on("error", () => {});
    try {
      const server = await dial(targets);
      this.#keep(server);
      note(`opened by ${client.remoteAddress}:${client.remotePort}, to ${server.remoteAddress}:${server.remotePort}`);
      server.on("error", () => {});
      client.on("close", () => server.destroy());
      server.on("close", () => client.destroy());
      const closer = new Promise<string>((resolve) => {
        client.once("end", () => resolve("client")).once("close", () => resolve("client"));
        server.once("end", () => resolve("server")).once("close", () => resolve("server"));
      });
      void closer.then((who) => note(`closed by the ${who}`));
      this.#pass(connection, client, server);
    } catch (error) {
      note(error instanceof Error ? error.message : String(error));
      client.destroy();
    }
  }

  #pass(connection: number, client: Socket, server: Socket): void {
    const { print, follow } = this.#options;
    const conversation = new Conversation(connection);
    const asked = new FrameCutter();
    const answered = new FrameCutter();
    const broken = (cutter: FrameCutter, whose: string): void => {
      if (cutter.broken) print({ kind: "note", connection, text: `what the ${whose} sends is not Kafka's: passed on unread` });
    };
    client.on("data", (chunk: Buffer) => {
      if (!asked.broken) {
        for (const frame of asked.push(chunk)) print(conversation.request(frame));
        broken(asked, "client");
      }
      if (!server.write(chunk)) pauseUntilDrained(client, server);
    });
    client.on("end", () => server.end());
    let sending: Promise<void> = Promise.resolve();
    const answer = async (frame: Uint8Array): Promise<void> => {
      const { seen, api, version, correlationId } = conversation.answer(frame);
      print(seen);
      const parts =
        api && version !== undefined && correlationId !== undefined && seen.kind !== "note" && seen.fields !== undefined
          ? await redirected(api, version, correlationId, seen.fields, (address) => this.#proxied(address, client))
          : null;
      const bytes = parts === null ? frame : Buffer.concat(parts);
      const size = Buffer.alloc(4);
      size.writeInt32BE(bytes.length);
      client.write(size);
      if (!client.write(bytes)) pauseUntilDrained(server, client);
    };
    server.on("data", (chunk: Buffer) => {
      const wasBroken = answered.broken;
      const frames = answered.push(chunk);
      if (!wasBroken) broken(answered, "server");
      if (!follow) {
        for (const frame of frames) print(conversation.answer(frame).seen);
        if (!client.write(chunk)) pauseUntilDrained(server, client);
        return;
      }
      const rest = answered.broken ? (wasBroken ? chunk : answered.rest()) : null;
      sending = sending
        .then(async () => {
          for (const frame of frames) await answer(frame);
          if (rest) client.write(rest);
        })
        .catch(() => void client.destroy());
    });
    server.on("end", () => void sending.then(() => client.end()));
    client.resume();
  }

  /** The address at which this proxy passes on to a broker; opened when a client first hears of that broker. */
  async #proxied(broker: Address, client: Socket): Promise<Address> {
    const key = formatAddress(broker);
    const listening = this.#servers.get(key) ?? this.#listen({ host: this.#options.listen.host, port: 0 }, [broker]);
    this.#servers.set(key, listening);
    const { host } = this.#options.listen;
    const anyHost = host === "0.0.0.0" || host === "::";
    return { host: anyHost ? (client.localAddress ?? host) : host, port: portOf(await listening) };
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function pauseUntilDrained(from: Socket, to: Socket): void {
  from.pause();
  to.once("drain", () => from.resume());
}

/** @throws Error that says of each address why it cannot be reached */
async function dial(targets: readonly Address[]): Promise<Socket> {
  const failures: string[] = [];
  for (const { host, port } of targets) {
    const socket = connect({ host, port, noDelay: true });
    socket.setTimeout(DIAL_TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${DIAL_TIMEOUT_MS} ms`)));
    const failure = await new Promise<Error | null>((resolve) => {
      socket.once("connect", () => resolve(null));
      socket.once("error", resolve);
    });
    if (failure === null) return socket.setTimeout(0);
    failures.push(`${host}:${port}: ${failure.message === "" ? failure.name : failure.message}`);
  }
  throw new Error(`Cannot reach a server to pass on to (${failures.join("; ")}); is it started, and --to its address?`);
}
