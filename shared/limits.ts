/** Limits that more than one part must agree on. */

/** Most maps and reduces of one job, together. */
export const maxTasks = 100_000;

/**
 * Ranges that one map reads, at most, where inputs are combined. With `maxRangeText` it keeps the list of them well below the
 * 2 MB of a row ("Maximum string, BLOB or table row size" in the limits of SQLite-backed Durable Objects).
 */
export const maxRanges = 1000;

/** UTF-16 units that the addresses and etags of one map's ranges have together, at most, unless it has a single range. */
export const maxRangeText = 512 * 1024;

/** Losses of one task after which its job fails, where the request names no `maxLosses`. */
export const defaultMaxLosses = 16;

/** Outputs that one commit task makes visible. */
export const commitBatch = 16;

/** The size of splits where the user names no `splitSize`, about, in bytes, unless there would be more than `defaultSplits`. */
export const usualSplitSize = 64 * 1024 * 1024;

/** Splits that the whole input is cut into, at most, where the user names no `splitSize`. */
export const defaultSplits = 4096;

/** What one archive of a job holds at most, unpacked: bytes of files, and entries. */
export const maxUnpackedBytes = 4 * 1024 ** 3;
export const maxUnpackedEntries = 100_000;

/** Most UTF-16 units of a status, as Hadoop's `mapreduce.task.max.status.length`. */
export const maxStatus = 512;
