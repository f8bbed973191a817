/** Runs something synchronous and fails when it needed more memory than allowed. */
export function growing<T>(run: () => T, maxBytes: number): T {
  const before = memory();
  const result = run();
  // The collector only takes away: what is seen was allocated.
  const grown = memory() - before;
  if (grown > maxBytes) throw new Error(`it took ${grown} bytes of memory, ${maxBytes} are allowed`);
  return result;
}

function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
