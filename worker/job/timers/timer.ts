import type { Session } from "../session.ts";

/** Something that happens to a job without being asked for. */
export type Timer = {
  /** When it is due, in ms since 1970; undefined when it is not. */
  readonly due: (session: Session) => number | undefined;
  /** Does what is due; called at that time or later. */
  readonly run: (session: Session) => void;
};
