import { connect, PairedSession } from "../session-pair.ts";
import type { MemoryNetwork } from "./memory-network.ts";
import type { MemoryWire } from "./memory-wire.ts";

interface End {
  readonly machine: MemoryNetwork;
  readonly session: PairedSession;
  /** Carries what this end says. */
  readonly wire: MemoryWire;
}

/** A session between two machines. */
export class MemoryLink {
  readonly dialling: End;
  readonly accepting: End;

  constructor(
    service: string,
    name: string,
    dialling: { readonly machine: MemoryNetwork; readonly wire: MemoryWire; readonly maxFrameBytes: number },
    accepting: { readonly machine: MemoryNetwork; readonly wire: MemoryWire; readonly maxFrameBytes: number },
  ) {
    const here = new PairedSession(service, name, "dialling", (deliver) => dialling.wire.carry(deliver), dialling.maxFrameBytes);
    const there = new PairedSession(
      service,
      dialling.machine.hostName,
      "accepting",
      (deliver) => accepting.wire.carry(deliver),
      accepting.maxFrameBytes,
    );
    connect(here, there);
    this.dialling = { machine: dialling.machine, session: here, wire: dialling.wire };
    this.accepting = { machine: accepting.machine, session: there, wire: accepting.wire };
  }

  /** The end that is not on this machine; the accepting one if both are. */
  far(machine: MemoryNetwork): End {
    return this.accepting.machine === machine ? this.dialling : this.accepting;
  }

  /** Ends both sides; frames under way are lost. */
  breakOff(message: string): void {
    this.dialling.wire.cut();
    this.accepting.wire.cut();
    this.dialling.session.end({ kind: "reset", message });
    this.accepting.session.end({ kind: "reset", message });
  }
}
