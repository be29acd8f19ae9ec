/** The SDK: a client for the REST API, for Node 20 or newer, browsers and Workers. */

export { Edgefold, type EdgefoldOptions } from "./edgefold.ts";
export { EdgefoldError, type FieldError } from "./error.ts";
export type { ArtifactContent, ArtifactFilter, PutOptions } from "./artifacts.ts";
export type { EventOptions } from "./events.ts";
export type { CreateOptions, JobFilter, WaitOptions } from "./jobs.ts";
export type { List, Page, PageRequest } from "./list.ts";
export type { LogOptions } from "./logs.ts";
export type { RequestOptions } from "./requests.ts";
export type { TaskFilter } from "./tasks.ts";
export type * from "./types.ts";
