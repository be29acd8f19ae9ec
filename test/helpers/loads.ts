import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ArtifactSchema, type Artifact } from "../../shared/api/artifacts.ts";
import type { Job } from "../../shared/api/jobs.ts";
import type { Edgefold } from "./edgefold.ts";

/** How long all jobs of a load may take, in ms. */
const limitMs = 300_000;

export type Posted = {
  readonly ids: readonly string[];
  /** How long each POST took, in ms. */
  readonly latencies: readonly number[];
};

/** The number of concurrent requests of a load: few enough that none waits for the others beyond workerd's limit. */
export const inFlight = 16;

/** The maximum number of attempts for a request, and the pause between them in ms. */
const [tries, pauseMs] = [5, 500];

/**
 * Repeats a request whose connection was lost: on a busy machine, workerd closes connections that it could not read from for 15
 * s. Any answer counts.
 */
const insisting = async <T>(request: () => Promise<T>): Promise<T> => {
  for (let failures = 1; ; failures++) {
    try {
      return await request();
    } catch (error) {
      // What `fetch` throws when there is no answer.
      if (!(error instanceof TypeError) || failures === tries) throw error;
      await sleep(pauseMs);
    }
  }
};

/** Runs all actions, at most `lanes` of them at a time. */
const inLanes = async <T>(lanes: number, acts: readonly (() => Promise<T>)[]): Promise<T[]> => {
  const results: T[] = [];
  const rest = acts.entries();
  const lane = async (): Promise<void> => {
    for (const [index, act] of rest) results[index] = await act();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
};

/** Posts `count` jobs, one after another or concurrently. */
export const postJobs = async (
  edgefold: Edgefold,
  count: number,
  request: Record<string, unknown>,
  order: "in turn" | "at once",
): Promise<Posted> => {
  const post = async (): Promise<{ id: string; latency: number }> => {
    const headers = { "Idempotency-Key": randomUUID() };
    const before = performance.now();
    const { id } = await insisting(() => edgefold.post(request, headers));
    return { id, latency: performance.now() - before };
  };
  const posts = Array.from({ length: count }, () => post);
  const posted = await inLanes(order === "at once" ? inFlight : 1, posts);
  return { ids: posted.map(({ id }) => id), latencies: posted.map(({ latency }) => latency) };
};

/** Waits until all jobs are completed. @throws Error if one is not, or the Worker ends */
export const allCompleted = async (edgefold: Edgefold, ids: readonly string[]): Promise<Job[]> => {
  const completed = async (): Promise<Job[]> => {
    const jobs: Job[] = [];
    for (const id of ids) jobs.push(await edgefold.completed(id, limitMs));
    return jobs;
  };
  return Promise.race([completed(), workerEnded(edgefold)]);
};

const workerEnded = async ({ worker }: Edgefold): Promise<never> => {
  await worker?.exited;
  throw new Error(`the Worker has ended: ${worker?.tail}`);
};

/** Uploads different contents under the same name concurrently. @returns the answer to each upload */
export const uploadAtOnce = async (
  edgefold: Edgefold,
  name: string,
  contents: readonly string[],
): Promise<Artifact[]> =>
  inLanes(
    inFlight,
    contents.map((content) => () => insisting(() => edgefold.upload(name, content))),
  );

/** The artifact of this name, and its content. */
export const artifactAndContent = async ({ url }: Edgefold, name: string): Promise<[Artifact, string]> => {
  const at = `${url}/api/v1/artifacts/${name}`;
  const artifact = ArtifactSchema.parse(await (await fetch(at)).json());
  return [artifact, await (await fetch(`${at}/content`)).text()];
};

/** The contents in R2, including those without an artifact: the local host stores each as a file. */
export const contentsInR2 = ({ stateDir }: Edgefold): string[] =>
  readdirSync(join(stateDir, "v3/r2/edgefold-artifacts/blobs"));
