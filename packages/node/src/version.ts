/** Of this release; registered by brokers and shown in cluster status. */
export const version = "0.1.0";
