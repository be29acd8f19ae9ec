import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ArtifactSchema, type Artifact, type Job } from "../../shared/rest.ts";
import type { Edgefold } from "./edgefold.ts";

/** How long all jobs of a load may take, in ms. */
const limitMs = 300_000;

export type Posted = {
  readonly ids: readonly string[];
  /** How long each POST took, in ms. */
  readonly latencies: readonly number[];
};

/** Posts so many jobs, one after another or all at once. */
export const postJobs = async (
  edgefold: Edgefold,
  count: number,
  request: Record<string, unknown>,
  order: "in turn" | "at once",
): Promise<Posted> => {
  const ids: string[] = [];
  const latencies: number[] = [];
  const post = async (): Promise<void> => {
    const before = performance.now();
    const { id } = await edgefold.post(request);
    latencies.push(performance.now() - before);
    ids.push(id);
  };
  const posts = Array.from({ length: count }, () => post);
  if (order === "at once") await Promise.all(posts.map((each) => each()));
  else for (const each of posts) await each();
  return { ids, latencies };
};

/** Waits until all are completed. @throws Error where one is not */
export const allCompleted = async (edgefold: Edgefold, { ids }: Posted): Promise<Job[]> => {
  const jobs: Job[] = [];
  for (const id of ids) jobs.push(await edgefold.completed(id, limitMs));
  return jobs;
};

/** Uploads different contents under the same name at once. @returns what each upload was answered */
export const uploadAtOnce = async (
  edgefold: Edgefold,
  name: string,
  contents: readonly string[],
): Promise<Artifact[]> => Promise.all(contents.map((content) => edgefold.upload(name, content)));

/** The artifact of this name, and its content. */
export const artifactAndContent = async ({ url }: Edgefold, name: string): Promise<[Artifact, string]> => {
  const at = `${url}/api/v1/artifacts/${name}`;
  const artifact = ArtifactSchema.parse(await (await fetch(at)).json());
  return [artifact, await (await fetch(`${at}/content`)).text()];
};

/** The contents that R2 holds, with those that no artifact has: `wrangler dev` keeps each as a file. */
export const contentsInR2 = ({ stateDir }: Edgefold): string[] =>
  readdirSync(join(stateDir, "v3/r2/edgefold-artifacts/blobs"));
