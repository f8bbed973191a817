import { type Address, NetworkError } from "../../network.ts";

export function cannotListen(at: Address, error: NodeJS.ErrnoException): NetworkError {
  const where = `${at.host}:${at.port}`;
  const code = error.code ?? "UNKNOWN";
  const why =
    code === "EADDRINUSE"
      ? "the address is in use; stop the process that holds it or choose another port"
      : code === "EADDRNOTAVAIL" || code === "ENOTFOUND"
        ? "it is not an address of this machine"
        : error.message;
  return new NetworkError({
    kind: code === "EADDRINUSE" ? "refused" : "unreachable",
    code,
    message: `Cannot listen on ${where}: ${why} (${code})`,
  });
}
