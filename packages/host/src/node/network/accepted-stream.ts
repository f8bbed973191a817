import type { Metadata, ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { acceptSession } from "../../accept-session.ts";
import type { Reason, Service } from "../../network.ts";
import { readAttributes, writeAttributes } from "./attributes.ts";
import { FAREWELL, FAREWELL_TOKEN_BYTES } from "./dialled-stream.ts";
import type { Gathered } from "./gathered.ts";
import { GrpcSession, type Stream } from "./grpc-session.ts";
import type { Grpc } from "./grpc.ts";
import { statusOf } from "./status.ts";

/** Turns an incoming call into a session of `service`, or refuses it with what `refusal` says. */
export function acceptStream(
  grpc: Grpc,
  call: ServerInterceptingCallInterface,
  service: Service,
  refusal: () => { code: string; message: string } | null,
  accepted: (session: GrpcSession, over: Promise<void>) => void,
): void {
  const stream = new AcceptedStream(grpc, call);
  const peer = call.getPeer();
  let session: GrpcSession | null = null;
  let token: Buffer | null = null;
  let cancelled = false;
  let finishOver: () => void = () => {};
  const over = new Promise<void>((done) => {
    finishOver = done;
  });
  call.start({
    onReceiveMetadata(metadata: Metadata) {
      const refused = refusal();
      if (refused !== null) return stream.fail(refused);
      const { [FAREWELL]: farewell, ...attributes } = readAttributes(metadata);
      if (farewell !== undefined && farewell.length === 2 * FAREWELL_TOKEN_BYTES) token = Buffer.from(farewell, "hex");
      const opened = new GrpcSession(service.name, peer, { ...attributes, ":authority": call.getHost() }, stream);
      const answer = acceptSession(service, opened);
      if ("refused" in answer) {
        opened.end({ kind: "closed-here", message: answer.refused.message });
        return stream.fail(answer.refused);
      }
      session = opened;
      accepted(opened, over);
      const reply = new grpc.Metadata();
      writeAttributes(answer.attributes, reply);
      call.sendMetadata(reply);
      opened.start();
    },
    onReceiveMessage(message: Buffer) {
      const farewell = token === null ? null : readFarewell(message, token);
      if (farewell === null) return session?.received(message);
      session?.end({ kind: "rejected", ...farewell });
      stream.finish();
    },
    onReceiveHalfClose() {
      // A connection that breaks ends the stream in the same way, and is known to be broken within this turn.
      setImmediate(() => {
        if (cancelled) return;
        session?.end({ kind: "finished", message: `${peer} closed the session` });
        stream.finish();
      });
    },
    onCancel() {
      cancelled = true;
      const reason: Reason = { kind: "reset", message: `${peer} broke the session off or its connection broke` };
      session?.end(reason);
      finishOver();
    },
  });
}

function readFarewell(message: Buffer, token: Buffer): { code: string; message: string } | null {
  if (message.byteLength <= token.byteLength || message.compare(token, 0, token.byteLength, 0, token.byteLength) !== 0) return null;
  try {
    const [code, text]: unknown[] = JSON.parse(message.toString("utf8", token.byteLength));
    return { code: String(code), message: String(text) };
  } catch {
    return { code: "UNKNOWN", message: "the peer ended the session for a reason that cannot be read" };
  }
}

class AcceptedStream implements Stream {
  readonly #grpc: Grpc;
  readonly #call: ServerInterceptingCallInterface;
  #finished = false;

  constructor(grpc: Grpc, call: ServerInterceptingCallInterface) {
    this.#grpc = grpc;
    this.#call = call;
  }

  read(): void {
    this.#call.startRead();
  }

  write(message: Gathered, written: () => void): void {
    this.#call.sendMessage(message.asMessage(), written);
  }

  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#call.sendStatus({ code: this.#grpc.status.OK, details: "" });
  }

  fail(reason: { code: string; message: string }): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#call.sendStatus(statusOf(this.#grpc, reason));
  }
}
