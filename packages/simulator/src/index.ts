export { check } from "./history/check.ts";
export type { Anomaly, Commit, Drain, Dump, Event, Latest, Metadata, Read, Send } from "./history/history.ts";
export type { SimulationOptions, SimulationReport } from "./report.ts";
export { simulate } from "./simulate.ts";
