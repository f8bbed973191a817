import { connect, type Socket } from "node:net";
import { kafka } from "@ottla/protocol";

const QUIET = 50;
const FLOODS = 4;

/** Clients that are there all the time and do not behave: some open a connection and say half a word, some ask without end and read nothing. Whoever is
 * thrown out comes again. */
export class Nuisances {
  readonly #host: string;
  readonly #port: number;
  readonly #topic: string;
  readonly #sockets = new Set<Socket>();
  #stopped = false;
  floodedBytes = 0;
  thrownOut = 0;

  constructor(host: string, port: number, topic: string) {
    this.#host = host;
    this.#port = port;
    this.#topic = topic;
    for (let at = 0; at < QUIET; at += 1) this.#open((socket) => void socket.write(Buffer.from([0, 0, 16, 0, 0, 3].slice(0, at % 7))));
    for (let at = 0; at < FLOODS; at += 1) this.#open((socket) => this.#flood(socket));
  }

  stop(): void {
    this.#stopped = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #open(work: (socket: Socket) => void): void {
    if (this.#stopped) return;
    const socket = connect({ host: this.#host, port: this.#port });
    this.#sockets.add(socket);
    socket.pause();
    socket.on("error", () => {});
    socket.once("connect", () => work(socket));
    socket.once("close", () => {
      this.#sockets.delete(socket);
      if (this.#stopped) return;
      this.thrownOut += 1;
      setTimeout(() => this.#open(work), 200).unref();
    });
  }

  /** Fetch requests for all there is, as fast as they are taken; the answers stay where they are. */
  #flood(socket: Socket): void {
    const parts = kafka.encodeRequest(
      kafka.apis.fetch,
      11,
      { correlationId: 1, clientId: "flood", unknownTags: [] },
      {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: 50_000_000,
        topics: [{ topic: this.#topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 50_000_000 }] }],
      },
    );
    const size = Buffer.alloc(4);
    size.writeInt32BE(parts.reduce((sum, part) => sum + part.length, 0));
    const request = Buffer.concat([size, ...parts]);
    const more = (): void => {
      while (!socket.destroyed && socket.writable) {
        this.floodedBytes += request.length;
        if (!socket.write(request)) return void socket.once("drain", more);
      }
    };
    more();
  }
}
