import { letGo, stop } from "../../shared/engine/machine.ts";
import type { Session } from "./session.ts";

/** The user stops the job, or lets go of what is kept of it. @returns what came of it, or why nothing can */
export const stopJob = (session: Session): "stopped" | "let-go" | "ended" | "committing" => {
  const letGone = letGo(session.job, session.now);
  const stopped = letGone ?? stop(session.job, session.now);
  if (typeof stopped === "string") return stopped;
  session.apply(stopped);
  return letGone === undefined ? "stopped" : "let-go";
};
