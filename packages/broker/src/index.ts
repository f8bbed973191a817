export { Broker, type BrokerHealth, type BrokerOptions } from "./broker.ts";
