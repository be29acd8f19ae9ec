/** Limits that more than one part must agree on. */

/** Most maps and reduces of one job, together. */
export const maxTasks = 100_000;

/** Outputs that one commit task makes visible. */
export const commitBatch = 16;

/** The smallest split that is chosen where the user names no `splitSize`, in bytes. */
export const minDefaultSplitSize = 64 * 1024 * 1024;

/** Splits that the whole input is cut into, at most, where the user names no `splitSize`. */
export const defaultSplits = 4096;
