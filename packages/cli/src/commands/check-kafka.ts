import { connect } from "node:net";
import { kafka } from "@ottla/protocol";
import { type Checked, isLoopback, type Told } from "./check-advice.ts";
import { messageOf } from "./check-doors.ts";

/** Rows for the listeners for Kafka's clients. A name under which every broker answers is one for clients here; others are then for clients elsewhere,
 * such as those inside a container network, and left out. */
export async function checkKafka(told: readonly Told[], entry: string, timeoutMs: number, signal: AbortSignal): Promise<Checked[]> {
  const doors = told
    .filter(({ fenced }) => !fenced)
    .flatMap(({ nodeId, doors }) => doors.filter(({ listener }) => !ownDoors.has(listener)).map((door) => ({ nodeId, ...door })));
  const rows = await Promise.all(
    doors.map(async ({ nodeId, listener, address }) => {
      const problem = await problemOf(address, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
      signal.throwIfAborted();
      const fix = problem === null ? null : fixOf(nodeId, address, entry);
      return { listener, checked: { address, what: `listener ${listener} of broker ${nodeId} for Kafka's clients`, problem, fix } };
    }),
  );
  const failing = new Set(rows.filter(({ checked }) => checked.problem !== null).map(({ listener }) => listener));
  const good = rows.filter(({ listener }) => !failing.has(listener));
  return (good.length > 0 ? good : rows).map(({ checked }) => checked);
}

const ownDoors = new Set(["GRPC", "NODE", "HTTP"]);

function fixOf(nodeId: number, address: string, entry: string): string {
  const setting = `advertised.listeners of node ${nodeId}`;
  return isLoopback(address) && !isLoopback(entry)
    ? `set ${setting} to a name that clients can resolve: ${address} is each client's own machine`
    : `check that node ${nodeId} listens there (listeners) and that nothing is in between; if clients reach it elsewhere, set ${setting}`;
}

/** Asks which versions are spoken there, as every Kafka client does first.
 * @returns why that failed, else null */
async function problemOf(address: string, signal: AbortSignal): Promise<string | null> {
  try {
    const answer = await ask(address, signal);
    const { body } = kafka.decodeResponse(kafka.apis.apiVersions, 0, answer);
    return body.errorCode === 0 ? null : `it answers with error ${body.errorCode}`;
  } catch (error) {
    return messageOf(error);
  }
}

const SIZE_BYTES = 4;
/** Of an answer to what is asked here. */
const ANSWER_MAX_BYTES = 65_536;

function ask(address: string, signal: AbortSignal): Promise<Uint8Array> {
  const { hostname, port } = new URL(`tcp://${address}`);
  const header = { correlationId: 1, clientId: "ottla-check" };
  const request = Buffer.concat(
    kafka.encodeRequest(kafka.apis.apiVersions, 0, header, { clientSoftwareName: "ottla", clientSoftwareVersion: "" }),
  );
  const size = Buffer.alloc(SIZE_BYTES);
  size.writeInt32BE(request.length);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port), signal });
    let received: Buffer = Buffer.alloc(0);
    const end = (settle: () => void): void => {
      socket.destroy();
      settle();
    };
    socket.on("error", (error) =>
      end(() =>
        reject(
          signal.aborted ? new Error(`${address} does not answer in time`) : new Error(`${address} cannot be reached: ${error.message}`),
        ),
      ),
    );
    socket.on("end", () => end(() => reject(new Error(`${address} ends the connection: no Kafka listener is there`))));
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < SIZE_BYTES) return;
      const bytes = received.readInt32BE(0);
      if (bytes < 0 || bytes > ANSWER_MAX_BYTES) return end(() => reject(new Error(`${address} does not speak Kafka's protocol`)));
      if (received.length >= SIZE_BYTES + bytes) end(() => resolve(received.subarray(SIZE_BYTES, SIZE_BYTES + bytes)));
    });
    socket.write(Buffer.concat([size, request]));
  });
}
