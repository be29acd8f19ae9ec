import { env, runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { registryOf } from "../../worker/env.ts";
import { eventually } from "./eventually.ts";

/** Runs a query on the Registry's tables, for tests that look behind its methods. */
export const rows = async (
  query: string,
  ...bindings: (string | number)[]
): Promise<Record<string, SqlStorageValue>[]> =>
  await runInDurableObject(registryOf(env), (_, state) => state.storage.sql.exec(query, ...bindings).toArray());

/** The keys of all contents in R2. */
export const storedKeys = async (): Promise<string[]> => (await env.ARTIFACTS.list()).objects.map(({ key }) => key);

/** Waits until the Registry's alarm has deleted everything that is due. */
export const settle = async (): Promise<void> => {
  await eventually(async () => expect(await rows("SELECT key FROM garbage")).toEqual([]));
};

/** Whether the Registry knows that a job exists. */
export const hasJob = async (id: string): Promise<boolean> =>
  (await rows("SELECT 1 FROM job WHERE id = ? AND reserved_until IS NULL", id)).length > 0;
