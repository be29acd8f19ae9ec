import { runnersWanted } from "../../../shared/engine/machine.ts";
import type { Condition } from "../../../shared/api/jobs.ts";
import { clusterOf, type Env } from "../../env.ts";
import { signRunnerToken } from "../../secrets/tokens.ts";
import { startExpiry } from "../runners/session-tokens.ts";
import type { JobSpec } from "../spec.ts";
import type { JobStore } from "../store.ts";
import { podsOf } from "./pods.ts";

/** How long a description waits to hear whether there is an agent, in ms. */
const agentPatience = 1000;

/** Tells the job's cluster how many runners it wants, or, once it is released, that nothing of it is to stay. */
export const tellCluster = async (env: Env, store: JobStore, version: number): Promise<void> => {
  const { id, cluster: name } = store.job.spec();
  const cluster = clusterOf(env, name);
  const token = await signRunnerToken(env, { jobId: id, expires: startExpiry(store.job.spec(), Date.now()) });
  // Read after the wait, so that what is sent is not older than what was sent before.
  const [job, spec] = [store.job.row(), store.job.spec()];
  if (job.released) await cluster.remove(id);
  else {
    const { resumedAt } = spec;
    await cluster.want({ jobId: id, version, runners: runnersWanted(job), token, pods: podsOf(spec), resumedAt });
  }
};

/** That no agent is connected for the job's cluster, where this is known. */
export const describeAbsence = async (
  env: Env,
  { cluster, createdAt }: Pick<JobSpec, "cluster" | "createdAt">,
): Promise<Condition | undefined> => {
  const asked = clusterOf(env, cluster).agentAbsentSince();
  // A job can be described also when the cluster's object is slow or fails.
  const since = await Promise.race([asked.catch(() => null), scheduler.wait(agentPatience).then(() => null)]);
  if (since === null) return undefined;
  const message = `No agent is connected for the cluster '${cluster}'; the job goes on when one is.`;
  return { type: "NoAgent", message, since: Math.max(since, createdAt) };
};
