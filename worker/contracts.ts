import { z } from "zod";
import type { Attempt } from "../shared/api/attempts.ts";
import type { Artifact, ArtifactType, StoredArtifact } from "../shared/api/artifacts.ts";
import type { Cluster } from "../shared/api/clusters.ts";
import type { JobRequest } from "../shared/api/job-request.ts";
import type { Job, JobDetail } from "../shared/api/jobs.ts";
import type { TaskDetail, TaskStates, TaskOrder } from "../shared/api/tasks.ts";
import type { PlacementField } from "../shared/api/placements.ts";
import type { Token } from "../shared/api/tokens.ts";
import type { LauncherCondition, WantedJob } from "../shared/protocol/agent.ts";
import type { ProgramRole } from "../shared/protocol/tasks.ts";
import type { JobStatus, TaskStatus } from "../shared/status.ts";
import type { JobSpec, PinnedArtifact, PinnedProgram, PinnedPrograms, PinnedPlacement } from "./job/spec.ts";
import type { Region } from "./location.ts";

/**
 * What the Worker's objects offer each other and the REST API. Every call may fail, come twice, or come late: what a method
 * does is the same then.
 */

/** Which part of a list is asked for; `after` is what the page before has named as its `next`. */
export type PageRequest = { readonly limit?: number; readonly after?: string };

/** Which tasks of a job are asked for, and in which order. */
export type TaskListRequest = PageRequest & {
  readonly kind?: "map" | "reduce";
  readonly status?: TaskStatus;
  readonly order?: TaskOrder;
};

/** Which jobs are asked for: those that are all of this. Times are in ms since 1970. */
export type JobFilter = {
  readonly statuses?: readonly JobStatus[];
  /** A part of the name, in any case. */
  readonly name?: string;
  readonly tags?: readonly (readonly [key: string, value: string])[];
  /** The name of any of its programs. */
  readonly program?: string;
  readonly submittedBy?: string;
  readonly cluster?: string;
  /** Posted then or later, and before. */
  readonly since?: number;
  readonly until?: number;
};

/** What a job was posted with, but for the fields that are kept sealed, whose names `sealed` has. */
export type KeptRequest = { readonly request: JobRequest; readonly sealed: string[] };

/** What is another one when a job is resumed. */
export type ResumeChange = {
  /** The request with all that was replaced. Of its sealed fields it has those that were sent again. */
  readonly request: JobRequest;
  /** The names of the fields that were replaced, or taken away. */
  readonly changed: readonly string[];
  /** Those that were pinned anew. */
  readonly programs: PinnedPrograms;
  readonly files: readonly PinnedPlacement[];
  readonly archives: readonly PinnedPlacement[];
};

/** Some items of a list, each as JSON, in its order; `next` is the `after` of the page that follows. */
export type Items = { readonly items: string[]; readonly next: string | null };

/** A page of a list, ready to be sent: a JSON array, and the `after` of the next page. */
export type Page = { readonly body: ReadableStream<Uint8Array>; readonly next: string | null };

/** Why a runner, or the whole job, was ended by its cluster. */
type RunnerFailure = { readonly code: string; readonly message: string };

/** What an agent says of a job. Of two reports of the same job, that of the higher `seq` is newer. */
export type Report = { readonly seq: number } & (
  | {
      /** A runner is gone: its attempts are over without waiting for their leases. */
      readonly kind: "exited";
      readonly runnerId: string;
      readonly reason: string;
      /** What the runner's task is charged with, where the task itself ended the runner. */
      readonly failure: RunnerFailure | null;
      /** Whether the cluster ended it for reasons of its own, such as a drained or preempted node. */
      readonly disrupted?: boolean | undefined;
    }
  /** What keeps the job's runners from working now, in place of what was reported before. */
  | { readonly kind: "conditions"; readonly conditions: readonly LauncherCondition[] }
  /** The cluster cannot run the job, or has ended it, for good. */
  | { readonly kind: "failed"; readonly failure: RunnerFailure }
);

const watchPath = "/watch/";

/** What those who follow a log are sent: some bytes of it, in Base64, and how many come before them in the whole log. */
export const LogPieceSchema = z.object({ offset: z.int().nonnegative(), content: z.base64() });
export type LogPiece = z.infer<typeof LogPieceSchema>;

/**
 * Where a job's object takes the WebSocket of somebody who watches it: its `events`, or the log of the attempt of that id. It sends until there is nothing left to come, and closes
 * then. It answers 204 where nothing more comes, 429 where too many watch, 404 where the job was removed.
 */
export const watchUrl = (topic: string): string => `http://job${watchPath}${topic}`;

/** @returns undefined where the URL is of something else */
export const watchedTopic = (url: string): string | undefined => {
  const { pathname } = new URL(url);
  return pathname.startsWith(watchPath) ? pathname.slice(watchPath.length) : undefined;
};

/** One job: its tasks, attempts and leases. */
export interface JobApi extends Rpc.DurableObjectBranded {
  /**
   * Creates the job. Idempotent.
   * @param before in ms since 1970: by then whoever has reserved its programs asks for the job, and lets go of them if it is not
   * @returns null where it is too late
   */
  create(spec: JobSpec, before: number): Promise<JobDetail | null>;
  /** As the REST API shows it; null where there is no such job. */
  describe(): Promise<JobDetail | null>;
  /** What it was posted with, the cluster put in. Null where there is no such job. */
  request(): Promise<KeptRequest | null>;
  /** Its maps and reduces, or some of them. Null where there is no such job. */
  tasks(request: TaskListRequest): Promise<Page | null>;
  /** The statuses of all of them. Null where there is no such job. */
  taskStates(): Promise<TaskStates | null>;
  /** One of them, the attempts of one, and one attempt. Null where there is no such job, "unknown" where there is no such task. */
  task(taskId: string): Promise<TaskDetail | "unknown" | null>;
  attempts(taskId: string, request: PageRequest): Promise<Page | "unknown" | null>;
  attempt(taskId: string, number: number): Promise<Attempt | "unknown" | null>;
  /** What a reduce reads of the outputs of maps. Null where there is no such job, "unknown" where there is no such task. */
  segments(taskId: string, request: PageRequest): Promise<Page | "unknown" | null>;
  /** The URLs of the outputs, in order, once the job is completed. Null where there is no such job. */
  outputs(request: PageRequest): Promise<Page | null>;
  /** At most `limit` events whose numbers are above `after`, the oldest first. Null where there is no such job. */
  events(after: number, limit: number): Promise<Items | null>;
  /** Notes that an attempt's log is kept, of so many bytes in all. False where there is no such attempt. */
  noteLog(attempt: string, bytes: number): Promise<boolean>;
  /** Stops it, or lets go of what is kept of it where it is held. */
  stop(): Promise<"stopped" | "let-go" | "ended" | "committing" | "unknown">;
  /** Takes up a held job. Null where there is no such job. */
  resume(change: ResumeChange): Promise<JobDetail | "not-held" | null>;
  /** The content that a runner is to run, or null when the job has no artifact in that role, or is over. */
  program(role: ProgramRole): Promise<PinnedProgram | null>;
  /** A content of that hash that a runner needs, or null when the job has no such one, or is over. */
  content(hash: string): Promise<PinnedArtifact | null>;
  /**
   * Takes in what the agent reports of the job, in this order. Conditions older than those that the job has change nothing.
   * @returns whether the job is over, and will never want a runner again
   */
  report(reports: readonly Report[]): Promise<boolean>;
  /**
   * Removes all that there is of the job.
   * @returns whether nothing of it is left, also where it was erased before; false while somebody must still be told of it
   */
  erase(): Promise<boolean>;
}

/** One cluster: what its agent is to see to. */
export interface ClusterApi extends Rpc.DurableObjectBranded {
  /** From now on the job wants this many runners, unless it has said something newer. */
  want(job: WantedJob): Promise<void>;
  /** Nothing of the job is to stay in the cluster. Kept until the agent says that this is so. */
  remove(jobId: string): Promise<void>;
  /** Since when no agent is connected, in ms since 1970; null when one is. */
  agentAbsentSince(): Promise<number | null>;
  /** As the REST API shows it. */
  describe(name: string): Promise<Cluster>;
}

/** An artifact's content, and how it came to be there. */
export type StoredContent = PinnedArtifact & Pick<StoredArtifact, "uploadedAt" | "uploadedBy">;

/** The names of the artifacts that a request asks for, by what they are for. */
export type ArtifactNames = { readonly [R in ProgramRole]?: string } & {
  readonly [F in PlacementField]?: readonly string[];
};

/** A job that is about to be created. */
export type ReservationRequest = {
  readonly id: string;
  readonly createdAt: number;
  readonly cluster: string;
  readonly names: ArtifactNames;
  /**
   * The caller's name and key. `fingerprints` are the same for the same request; the first one is kept, the others may have been
   * earlier.
   */
  readonly idempotency?: { readonly caller: string; readonly key: string; readonly fingerprints: readonly string[] };
};

/** What a job needs an artifact for: a program's role, or the item of a list, such as `files.0`. */
export type PinRole = ProgramRole | `${PlacementField}.${number}`;

/** An artifact by its name, and what a job needs it for. */
export type ArtifactUse = { readonly role: PinRole; readonly name: string };

/** Artifacts that a job holds. Files and archives are in the order of their names in the request. */
export type Pins = {
  readonly programs: PinnedPrograms;
  readonly files: readonly PinnedArtifact[];
  readonly archives: readonly PinnedArtifact[];
};

/** Why a job cannot have the artifacts that it asks for. */
export type RefusedUses =
  /** No artifacts have these names. */
  | { readonly kind: "unknown"; readonly uses: ArtifactUse[] }
  /** The artifacts of these names are not of a type that can be used so. */
  | { readonly kind: "unfit"; readonly uses: (ArtifactUse & { readonly type: ArtifactType })[] };

/** What came of it. */
export type Reservation =
  /** All is pinned; the job's object must be created with these, and before that time, in ms since 1970. */
  | ({
      readonly kind: "reserved";
      readonly id: string;
      readonly createdAt: number;
      readonly createBefore: number;
      /** Where its cluster is, near which the object should be; null where that is not known. */
      readonly region: Region | null;
    } & Pins)
  /** The request was served before, and its job exists. */
  | { readonly kind: "exists"; readonly id: string }
  /** The key was used for another request. */
  | { readonly kind: "conflict" }
  /** The cluster has as many jobs as it may have that have not ended. */
  | { readonly kind: "full"; readonly limit: number }
  | RefusedUses;

/** The one object that knows every artifact's name, every job and every token that was issued. */
export interface RegistryApi extends Rpc.DurableObjectBranded {
  /** Notes that content is about to be uploaded, so that it is removed should nobody come back for it. */
  beginContent(key: string): Promise<void>;
  /** Notes that an upload goes on. False where it was given up in the meantime. */
  renewContent(key: string, uploadId: string): Promise<boolean>;
  /** Has an upload removed that will not be finished. */
  abandonContent(key: string): Promise<void>;
  /** Gives uploaded content its name, which another content may have had. Null where the upload was given up. */
  putArtifact(artifact: PinnedArtifact, uploadedBy: string): Promise<StoredContent | null>;
  getArtifact(name: string): Promise<StoredContent | null>;
  /** False where there is no such artifact. Jobs that pinned its content keep it. */
  deleteArtifact(name: Artifact["name"]): Promise<boolean>;
  /** Artifacts as JSON, newest first, of one type or all. */
  listArtifacts(type: ArtifactType | undefined, after: string | null, limit: number): Promise<Items>;
  /** Pins a new job's artifacts, or tells why not; see `Reservation`. */
  createJob(request: ReservationRequest): Promise<Reservation>;
  /** Pins what artifacts of these names hold now for a job that was created, besides what it has pinned before. */
  pinAgain(id: string, names: ArtifactNames): Promise<({ readonly kind: "pinned" } & Pins) | RefusedUses>;
  /** Notes where a cluster's agent connects from. Its jobs' objects are created there. */
  noteRegion(cluster: string, region: Region): Promise<void>;
  /** Notes that a job's object exists. Never overwrites what the object itself has published. */
  confirmJob(job: Job): Promise<void>;
  /**
   * Stores what the list of jobs shows. A job whose reservation had run out is listed again: it exists after all, and can be
   * seen and stopped.
   * @param version grows with every state that the job tells of; an older one never overwrites a newer one
   * @param ended whether the job needs its programs no more, and never will again
   */
  publish(job: Job, version: number, ended: boolean): Promise<void>;
  /** Removes a job and its object. False where it is not over, or there is still something of it to clean. */
  purgeJob(id: string): Promise<boolean>;
  /**
   * Jobs as they were published, newest first; fewer than `limit` where they are long, or few are what is asked for.
   * `version` changes whenever the list does.
   */
  listJobs(filter: JobFilter, after: string | null, limit: number): Promise<Items & { readonly version: string }>;
  /** Stores a token of the API, in place of the one of that name. @returns whether there was none */
  putToken(token: Token, hash: string): Promise<boolean>;
  /** The token of that name, or null. */
  getToken(name: string): Promise<Token | null>;
  /** The token of that hash, or null. Whether it has expired is the caller's to check. */
  findToken(hash: string): Promise<Token | null>;
  /** False where there is no such token. */
  deleteToken(name: string): Promise<boolean>;
  /** Tokens as JSON, in the order of their names. */
  listTokens(after: string | null, limit: number): Promise<Items>;
}
