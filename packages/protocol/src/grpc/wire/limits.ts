/** Messages inside messages. Ottla's own are at most 6 deep. */
export const MAX_DEPTH = 32;

/** List items in one decoded message, nested ones included: an item of two bytes becomes an object of fifty times that. */
export const MAX_ITEMS = 1_000_000;

export const MAX_UINT32 = 0xffff_ffff;

export const WIRE_VARINT = 0;
export const WIRE_64_BIT = 1;
export const WIRE_BYTES = 2;
export const WIRE_32_BIT = 5;
