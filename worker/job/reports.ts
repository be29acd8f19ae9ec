import { explainLoss, fail, lose, refuseJob, touch, type RunnerEnd } from "../../shared/engine/machine.ts";
import { isEnded } from "../../shared/status.ts";
import type { Report } from "../contracts.ts";
import type { Session } from "./session.ts";

/** Takes in what the job's agent reports. The same report may come again, and older ones after newer ones. */
export const takeReport = (session: Session, report: Report): void => {
  switch (report.kind) {
    case "exited":
      endRunner(session, report.runnerId, report);
      return;
    case "conditions":
      // What may keep an ended job's cleaning waiting is no matter of the job; that it was given up is said in the end.
      if (isEnded(session.job.status) || report.seq < session.job.reportSeq) return;
      session.apply({ job: { ...session.job, reportSeq: report.seq }, effects: [{ kind: "publish" }] });
      session.setLauncherConditions(report.conditions);
      return;
    case "failed": {
      // One that comes again would also fail the job that was resumed since.
      if (report.seq <= session.job.reportSeq) return;
      const refused = refuseJob(session.job, report.failure, session.now);
      if (refused !== undefined) session.apply({ ...refused, job: { ...refused.job, reportSeq: report.seq } });
    }
  }
};

/** Ends the attempts of a runner that is gone, and explains those that were lost with it before. */
const endRunner = (session: Session, runnerId: string, end: RunnerEnd): void => {
  const { store, now } = session;
  for (const attempt of store.attempts.openOf(runnerId)) {
    const task = store.tasks.get(attempt.kind, attempt.index);
    const { failure, reason, disrupted } = end;
    if (failure === null) {
      session.apply(lose(session.job, task, attempt, reason, now, disrupted === true ? "disrupted" : "known"));
    } else {
      // Its runner may have begun an upload of which it could not tell.
      const { job } = touch(session.job);
      session.apply(fail(job, task, attempt, { ...failure, final: false }, now));
    }
  }
  for (const attempt of store.attempts.endedOf(runnerId)) {
    const task = store.tasks.get(attempt.kind, attempt.index);
    const explained = explainLoss(session.job, task, attempt, end, now);
    if (explained !== undefined) session.apply(explained);
  }
};
