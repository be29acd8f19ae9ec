import type { JobApi } from "../contracts.ts";
import { jobOf } from "../env.ts";
import { pathParameter } from "../http/operation.ts";
import { ProblemError } from "../http/problems.ts";
import { param, type Call } from "../http/resource.ts";

/** As `uuidv7` makes them. */
const jobIdForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const jobParameter = pathParameter("id", "The job's id", "unknown-job");

export const unknownJob = (id: string): ProblemError => new ProblemError("unknown-job", `No job has the id '${id}'.`);

/** Asks the object of the job that the path names. @throws ProblemError 404 where there is no such job */
export const askJob = async <T>(call: Call, ask: (job: DurableObjectStub<JobApi>) => Promise<T | null>): Promise<T> => {
  const id = param(call, "id");
  // An object that is asked for what there is not stores nothing, and so leaves nothing behind.
  const answer = jobIdForm.test(id) ? await ask(jobOf(call.env, id)) : null;
  if (answer === null) throw unknownJob(id);
  return answer;
};
