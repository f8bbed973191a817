import type { Clock, Session, Timer } from "@ottla/host";
import { pb } from "@ottla/protocol";
import { refusal } from "../state/decide/command.ts";

/** Replies to a broker that does not read them. */
const MAX_UNSENT_BYTES = 32 * 1024 * 1024;
/** Replies that share a message. */
const MESSAGE_BYTES = 512 * 1024;
/** Of one reply; a message with it stays below what a session carries. */
const MAX_REPLY_BYTES = 6 * 1024 * 1024;

/** One broker's session as the controller sees it: requests come in, replies of one turn go out together. */
export class BrokerSession {
  readonly nodeId: number;
  readonly closed: Promise<unknown>;
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #committedIndex: () => number;
  #replies: { readonly reply: pb.CommandReply; readonly bytes: number }[] = [];
  #unsentBytes = 0;
  #flush: Timer | null = null;
  #open = true;

  constructor(session: Session, nodeId: number, clock: Clock, committedIndex: () => number) {
    this.#session = session;
    this.nodeId = nodeId;
    this.#clock = clock;
    this.#committedIndex = committedIndex;
    this.closed = session.closed.then(() => {
      this.#open = false;
      this.#flush?.cancel();
    });
  }

  get open(): boolean {
    return this.#open;
  }

  /** Until the session ends. A message that cannot be read ends it. */
  async receive(take: (request: pb.SessionRequest, bytes: number) => void): Promise<void> {
    for await (const frame of this.#session.frames) {
      if (!this.#open) return;
      let request: pb.SessionRequest;
      try {
        request = pb.SessionRequest.decode(frame);
      } catch (error) {
        return this.reject("INVALID_REQUEST", error instanceof Error ? error.message : String(error));
      }
      take(request, frame.length);
    }
  }

  reply(decided: pb.CommandReply): void {
    if (!this.#open) return;
    const { reply, bytes } = fitting(decided);
    this.#replies.push({ reply, bytes });
    this.#unsentBytes += bytes;
    if (this.#unsentBytes > MAX_UNSENT_BYTES)
      return this.reject("INVALID_REQUEST", `${this.#unsentBytes} bytes of replies were not read, at most ${MAX_UNSENT_BYTES} may wait`);
    this.#flush ??= this.#clock.soon(() => {
      this.#flush = null;
      this.#sendReplies();
    });
  }

  /** To a message without commands: the controller is there, and has come so far. */
  acknowledge(): void {
    if (this.#open) this.#send(pb.SessionReply.encode({ replies: [], committedIndex: this.#committedIndex(), leader: undefined }));
  }

  /** This controller does not lead: what was asked and not answered must be asked there. */
  redirect(leader: number): void {
    if (!this.#open) return;
    this.#sendReplies();
    this.#send(pb.SessionReply.encode({ replies: [], committedIndex: this.#committedIndex(), leader }));
    this.close();
  }

  reject(code: string, message: string): void {
    this.#open = false;
    this.#flush?.cancel();
    this.#session.close({ code, message });
  }

  close(): void {
    this.#open = false;
    this.#flush?.cancel();
    this.#session.close();
  }

  #sendReplies(): void {
    while (this.#replies.length > 0) {
      let bytes = 0;
      let count = 0;
      while (count < this.#replies.length && (count === 0 || bytes < MESSAGE_BYTES)) bytes += this.#replies[count++]?.bytes ?? 0;
      const replies = this.#replies.splice(0, count).map(({ reply }) => reply);
      this.#send(pb.SessionReply.encode({ replies, committedIndex: this.#committedIndex(), leader: undefined }), bytes);
    }
  }

  #send(frame: Uint8Array, counted = 0): void {
    this.#session.send([frame]).then(
      () => {
        this.#unsentBytes -= counted;
      },
      // A session that breaks says so through `closed`.
      () => {},
    );
  }
}

function fitting(reply: pb.CommandReply): { readonly reply: pb.CommandReply; readonly bytes: number } {
  const bytes = pb.CommandReply.encode(reply).length;
  if (bytes <= MAX_REPLY_BYTES) return { reply, bytes };
  const refused = refusal(
    reply.sequence,
    "POLICY_VIOLATION",
    `The answer has ${bytes} bytes, one message carries at most ${MAX_REPLY_BYTES}; ask for less at a time`,
    reply.index,
  );
  return { reply: refused, bytes: pb.CommandReply.encode(refused).length };
}
