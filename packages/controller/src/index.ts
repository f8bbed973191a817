export { Controller } from "./controller.ts";
export type { ControllerInspection, ControllerOptions, ControllerStatus } from "./controller-options.ts";
export { recoverController, type RecoveredController } from "./recover.ts";
export { UNKNOWN_NODE } from "./quorum/options.ts";
