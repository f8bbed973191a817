export { Controller, type ControllerOptions, type ControllerStatus } from "./controller.ts";
