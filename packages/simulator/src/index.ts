export { check } from "./history/check.ts";
export type { Anomaly, Commit, Drain, Dump, Event, Latest, Metadata, Read, Send } from "./history/history.ts";
export { simulate, type SimulationOptions, type SimulationReport } from "./simulate.ts";
