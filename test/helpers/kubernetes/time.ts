/** A time in Kubernetes' format, to the second. */
export const timestamp = (time = Date.now()): string => new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
