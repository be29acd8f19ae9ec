import { env, runInDurableObject } from "cloudflare:test";
import { vi, expect } from "vitest";
import { registryOf } from "../../worker/env.ts";

/** What the Registry has in its tables, for tests that look behind its methods. */
export const rows = async (
  query: string,
  ...bindings: (string | number)[]
): Promise<Record<string, SqlStorageValue>[]> =>
  await runInDurableObject(registryOf(env), (_, state) => state.storage.sql.exec(query, ...bindings).toArray());

/** The keys of all contents in R2. */
export const storedKeys = async (): Promise<string[]> => (await env.ARTIFACTS.list()).objects.map(({ key }) => key);

/** Waits until the Registry's alarm has deleted everything that is due. */
export const settle = async (): Promise<void> => {
  await vi.waitFor(async () => expect(await rows("SELECT key FROM garbage")).toEqual([]), {
    timeout: 5000,
    interval: 20,
  });
};
