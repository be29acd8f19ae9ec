import { registryOf, type Env } from "../../env.ts";
import type { JobStore } from "../store.ts";
import { viewSnapshot } from "../views.ts";

/** Tells the Registry what the list of jobs shows. */
export const tellRegistry = async (env: Env, store: JobStore, version: number): Promise<void> => {
  await registryOf(env).publish(viewSnapshot(store), version, store.job.row().released);
};
