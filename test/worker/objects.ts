import { env, runInDurableObject } from "cloudflare:test";
import { ClusterObject } from "../../worker/cluster/object.ts";
import { jobOf, registryOf, type Env } from "../../worker/env.ts";
import { JobObject } from "../../worker/job/object.ts";
import { Registry } from "../../worker/registry/object.ts";

/** Runs a test inside the Registry, where it can call and spy on its methods. */
export const runInRegistry = async <R>(
  run: (registry: Registry, state: DurableObjectState) => R | Promise<R>,
): Promise<R> =>
  await runInDurableObject(registryOf(env), async (instance, state) => {
    if (!(instance instanceof Registry)) throw new Error("the object is no Registry");
    return await run(instance, state);
  });

/** Runs a test inside a job's object. */
export const runInJob = async <R>(
  id: string,
  run: (job: JobObject, state: DurableObjectState) => R | Promise<R>,
): Promise<R> =>
  await runInDurableObject(jobOf(env, id), async (instance, state) => {
    if (!(instance instanceof JobObject)) throw new Error("the object is no JobObject");
    return await run(instance, state);
  });

/** Runs a test inside a cluster's object. */
export const runInCluster = async <R>(
  cluster: ReturnType<Env["CLUSTERS"]["getByName"]>,
  run: (cluster: ClusterObject, state: DurableObjectState) => R | Promise<R>,
): Promise<R> =>
  await runInDurableObject(cluster, async (instance, state) => {
    if (!(instance instanceof ClusterObject)) throw new Error("the object is no ClusterObject");
    return await run(instance, state);
  });
