/** Ways to break the contract between the core and its caller, to see that the checks notice. */
export const SABOTAGES = [
  "promises-before-persist",
  "forget-vote-on-restart",
  "forget-term-on-restart",
  "persisted-before-synced",
  "lose-synced-tail-on-restart",
] as const;
export type Sabotage = (typeof SABOTAGES)[number];
