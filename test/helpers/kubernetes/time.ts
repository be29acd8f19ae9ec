/** A time as Kubernetes writes it, to the second. */
export const timestamp = (time = Date.now()): string => new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
