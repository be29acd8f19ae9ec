import type { Transition } from "./effects.ts";
import type { JobRow } from "./rows.ts";

/** An upload was begun. It must be aborted unless it is committed. */
export const touch = (job: JobRow): Transition => ({ job: { ...job, touched: true }, effects: [] });
