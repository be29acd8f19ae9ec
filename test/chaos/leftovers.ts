import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseAddress } from "../../shared/address.ts";
import { processesWith } from "../helpers/proc.ts";
import { processesOf } from "../helpers/processes.ts";
import type { JobOutcome, JobRun } from "./jobs/run.ts";
import { secretsIn } from "./secrets.ts";
import type { Stage } from "./stage.ts";
import { endpointOf, listedUploads } from "./store.ts";

export const leftoverKinds = [
  "processes",
  "temporary files",
  "shuffle objects",
  "multipart uploads",
  "outputs of failed and stopped jobs",
  "secrets",
] as const;
type LeftoverKind = (typeof leftoverKinds)[number];
export type Leftover = { readonly kind: LeftoverKind; readonly what: string };

export type EndedJob = { readonly outcome: JobOutcome; readonly run: JobRun };

/** How long the cleanup of the last jobs and the end of their runners may take, in ms. */
const cleaningMs = 60_000;

const as = (kind: LeftoverKind, all: readonly string[]): Leftover[] => all.map((what) => ({ kind, what }));

const filesBelow = (dir: string): string[] =>
  existsSync(dir)
    ? readdirSync(dir, { recursive: true, withFileTypes: true }).map((entry) => join(entry.parentPath, entry.name))
    : [];

/** What the ended jobs of a stage left in the store and on the machine, while the agent is running. */
const ofJobs = async (stage: Stage, jobs: readonly EndedJob[], run: string): Promise<Leftover[]> => {
  const incomplete = jobs.filter(({ outcome }) => outcome.end !== "completed");
  const outputs = await Promise.all(
    incomplete.map(async ({ outcome, run: job }) =>
      (await job.outputKeys(outcome.id)).map((key) => `${outcome.id}/${key}`),
    ),
  );
  return [
    ...as("processes", jobs.flatMap(({ outcome }) => processesOf(outcome.id)).map(String)),
    ...as("temporary files", filesBelow(join(stage.agentDirectory, "shuffle"))),
    ...as("temporary files", filesBelow(join(stage.agentDirectory, "exits"))),
    ...as("shuffle objects", await shuffleKeys(stage)),
    ...as("multipart uploads", await uploads(stage, run)),
    ...as("outputs of failed and stopped jobs", outputs.flat()),
  ];
};

const shuffleKeys = async (stage: Stage): Promise<string[]> => {
  const { store, directStore } = stage;
  const keys: string[] = [];
  const folder = parseAddress(`${endpointOf(store)}/${store.bucket}/.edgefold/`, false);
  for await (const { address } of directStore.list(folder)) if (address.scheme === "s3") keys.push(address.key);
  return keys;
};

/** The open uploads from the store's own list, or from the proxy if the store cannot list them. */
const uploads = async ({ store, storage }: Stage, run: string): Promise<string[]> => {
  const listed = (await Promise.all([run, ".edgefold/"].map(async (prefix) => listedUploads(store, prefix)))).flat();
  const known = listed.flatMap((key) => key ?? []);
  return listed.includes(undefined) ? storage.openUploads.map(({ path }) => path) : known;
};

/** What is left after the agent, and then the Worker, have shut down cleanly. */
const ofProcesses = (stage: Stage): Leftover[] => {
  const { edgefold, agentDirectory, temporary } = stage;
  // Of the agent's own files, only its cluster id and empty folders remain.
  const files = [...filesBelow(agentDirectory), ...filesBelow(temporary)]
    .map((path) => relative(edgefold.dir, path))
    .filter((path) => !/^state\/agent\/(cluster-id|ledger|runners|exits|shuffle)$/.test(path));
  const secrets = secretsIn(edgefold.stateDir, stage.store.credentials.password);
  return [
    ...as(
      "processes",
      processesWith(edgefold.dir).map(({ pid, command }) => `${pid} ${command}`),
    ),
    ...as("temporary files", files),
    ...as(
      "secrets",
      secrets.map(({ path, table }) => `${path}: a row of ${table}`),
    ),
  ];
};

/** Ends the agent and the Worker of a stage, and finds everything its jobs left behind. */
export const findLeftovers = async (stage: Stage, jobs: readonly EndedJob[], run: string): Promise<Leftover[]> => {
  let left = await ofJobs(stage, jobs, run);
  for (const end = Date.now() + cleaningMs; left.length > 0 && Date.now() < end; await sleep(500)) {
    left = await ofJobs(stage, jobs, run);
  }
  await stage.endAgent();
  await stage.endWorker();
  return [...left, ...ofProcesses(stage)];
};
