import { env, runInDurableObject } from "cloudflare:test";
import { jobOf, registryOf } from "../../worker/env.ts";
import { JobObject } from "../../worker/job/object.ts";
import { Registry } from "../../worker/registry/object.ts";

/** Runs a test inside the Registry, whose own methods it may call and spy on. */
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
