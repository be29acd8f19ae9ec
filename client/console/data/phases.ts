import type { JournalEvent } from "../../sdk/index.ts";
import { isEnded } from "../../../shared/status.ts";

export type Phase = { readonly name: string; readonly ms: number };

/** How long the job was in each status, from its events. @param now for the one that goes on */
export const phasesOf = (events: readonly JournalEvent[], now: number): Phase[] => {
  const changes = events.flatMap((event) => (event.kind === "job" ? [{ name: event.status, time: event.time }] : []));
  return changes.flatMap(({ name, time }, index) =>
    isEnded(name) ? [] : [{ name, ms: Math.max(0, (changes[index + 1]?.time ?? now) - time) }],
  );
};
