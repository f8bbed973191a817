import type { Attributes, Host, Logger, Metric, Service, Session } from "@ottla/host";
import type { LoadedConfig, NodeConfig, pb } from "@ottla/protocol";

export interface BrokerOptions {
  readonly host: Host;
  readonly config: NodeConfig;
  readonly loaded: LoadedConfig;
  readonly nodeId: number;
  /** The log directory: one directory per partition below it. */
  readonly directory: string;
  readonly version: string;
  readonly logger: Logger;
  /** The broker cannot go on: the process ends. */
  onFatal(error: Error): void;
  /** Under which addresses clients reach this node; asked each time it registers. */
  endpoints(): pb.Endpoint[];
  dialController(service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
}

export class Broker implements AsyncDisposable {
  readonly services: readonly Service[] = [];
  readonly ready: Promise<void> = Promise.reject(new Error("not yet"));

  static start(options: BrokerOptions): Promise<Broker> {
    return Promise.reject(new Error(`not yet ${options.nodeId}`));
  }

  get health(): { live: boolean; ready: boolean; reasons: string[] } {
    return { live: false, ready: false, reasons: [] };
  }

  samples(): Metric[] {
    return [];
  }

  async shutdown(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}
