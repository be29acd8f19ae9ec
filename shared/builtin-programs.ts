/**
 * How a job with an `aggregate` combines the values of a key: to their sum, their number, the least or the greatest of them, the first
 * one, or none. For `sum`, `min` and `max` they are decimal integers of 64 bits.
 */
export const aggregates = ["sum", "count", "min", "max", "first", "uniq"] as const;
export type Aggregate = (typeof aggregates)[number];

/** A mapper, and a reducer, that passes on each record as it is. An artifact of this name goes first. */
export const identity = "identity";

/** The programs that come with every runner. */
export const builtinNames = [identity, ...aggregates] as const;
export type BuiltinName = (typeof builtinNames)[number];
