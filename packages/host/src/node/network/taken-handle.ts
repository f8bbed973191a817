import { strict as assert } from "node:assert";
import net from "node:net";

/** Goes on with an accepted connection as a socket that reads into memory of the caller's choice. Node offers that for connections it dials only;
 * for accepted ones it names in public neither the handle nor a way to hand it on. */
export function takeHandle(
  accepted: net.Socket,
  onread: { readonly buffer: () => Uint8Array; readonly callback: (bytes: number, into: Uint8Array) => boolean },
): net.Socket {
  const handle: unknown = Reflect.get(accepted, "_handle");
  assert(
    handle !== null && typeof handle === "object",
    "Node keeps the handle of a socket in another place: its version is not one this was written for",
  );
  Reflect.set(accepted, "_handle", null);
  // The server counts it as gone; what it lets in is bounded elsewhere.
  accepted.destroy();
  return new net.Socket({ handle, onread } as net.SocketConstructorOpts);
}
