import type { FakeCluster } from "./fake-cluster.test.kit.ts";

/** What the promise is rejected with. */
export async function failure(cluster: FakeCluster, promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await cluster.run(
    promise.then(
      () => undefined,
      (reason: unknown) => reason,
    ),
  );
  if (!(error instanceof Error)) throw new Error(`expected an error, got ${String(error)}`);
  return error;
}
