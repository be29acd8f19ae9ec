import type { components } from "./openapi.ts";

/** Named types for the bodies of the REST API. Times are milliseconds since 1970, sizes are bytes. */

type Schemas = components["schemas"];

export type Artifact = Schemas["Artifact"];
export type StoredArtifact = Schemas["StoredArtifact"];
export type ArtifactType = StoredArtifact["type"];
export type Attempt = Schemas["Attempt"];
export type Cluster = Schemas["Cluster"];
export type Failure = Schemas["Failure"];
export type Job = Schemas["Job"];
export type JobDetail = Schemas["JobDetail"];
export type JobRequest = Schemas["JobRequest"];
/** Fields that replace those of an earlier request. Null removes a field. */
export type JobChanges = { readonly [Field in keyof JobRequest]?: JobRequest[Field] | null };
export type JobStatus = Job["status"];
/** Something that happened to a job. `kind` distinguishes the five kinds. */
export type JournalEvent = Schemas["Event"];
/** A program of a job. `builtin` comes with the runners: its size is 0 and its hash empty. */
export type Program = Schemas["Program"];
export type Segment = Schemas["Segment"];
export type Task = Schemas["Task"];
export type TaskDetail = Schemas["TaskDetail"];
/** A letter a task: s scheduled, r in-progress, c completed, f failed, x stopped. */
export type TaskStates = Schemas["TaskStates"];
/** Who a token is. */
export type Me = Schemas["Me"];
export type Token = Schemas["Token"];
export type TokenRequest = Schemas["TokenRequest"];
/** A new token. Its text is never shown again. */
export type IssuedToken = Schemas["IssuedToken"];
