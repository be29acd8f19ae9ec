import type { components } from "./openapi.ts";

/** The bodies of the REST API under names of their own. Times are milliseconds since 1970, sizes are bytes. */

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
/** Fields that replace those of an earlier request; null takes a field away. */
export type JobChanges = { readonly [Field in keyof JobRequest]?: JobRequest[Field] | null };
export type JobStatus = Job["status"];
/** Something that has happened to a job. `kind` tells which of five. */
export type JournalEvent = Schemas["Event"];
export type Segment = Schemas["Segment"];
export type Task = Schemas["Task"];
export type TaskDetail = Schemas["TaskDetail"];
export type Token = Schemas["Token"];
export type TokenRequest = Schemas["TokenRequest"];
/** A new token. Its text is never shown again. */
export type IssuedToken = Schemas["IssuedToken"];
