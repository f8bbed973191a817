import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

export function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

export async function untilTrue(holds: () => Promise<boolean>, withinMs: number, what: string): Promise<void> {
  const startedMs = performance.now();
  while (!(await holds())) {
    if (performance.now() - startedMs > withinMs) throw new Error(`Waited ${withinMs} ms for ${what}`);
    await delay(20);
  }
}
