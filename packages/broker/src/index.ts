export { Broker, type BrokerHealth, type BrokerOptions } from "./broker.ts";
export { KafkaEntrance } from "./kafka/kafka-entrance.ts";
