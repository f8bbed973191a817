/** Items of all arrays in one request together: an item of one byte becomes an object of fifty times that. */
export const MAX_REQUEST_ITEMS = 1_000_000;

/** Answers come from a server that this side chose. */
export const MAX_RESPONSE_ITEMS = 16_000_000;

/** In one tag buffer, known ones included. */
export const MAX_TAGS = 1000;
