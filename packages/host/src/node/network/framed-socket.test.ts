import { once } from "node:events";
import net from "node:net";
import { type ByteClient, framedContract } from "../../contract/framed-contract.ts";
import type { Listener } from "../../network.ts";
import { GrpcNetwork } from "./grpc-network.ts";

framedContract("sockets on loopback", () => ({ network: new GrpcNetwork(), host: "127.0.0.1", dial }));

async function dial({ address }: Listener): Promise<ByteClient> {
  const socket = net.connect(address.port, address.host);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await once(socket, "connect");
  socket.on("error", () => {});
  return {
    send: (bytes) => new Promise((resolve) => socket.write(bytes, () => resolve())),
    bytes: socket,
    close: () => void socket.end(),
    get closed() {
      socket.resume();
      return closed;
    },
  };
}
