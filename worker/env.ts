import type { ClusterApi, JobApi, RegistryApi } from "./contracts.ts";
import type { Region } from "./location.ts";

/** The bindings and variables of `wrangler.toml`, and the secrets that are set beside it. */
export interface Env {
  readonly ARTIFACTS: R2Bucket;
  readonly REGISTRY: DurableObjectNamespace<RegistryApi>;
  readonly JOBS: DurableObjectNamespace<JobApi>;
  readonly CLUSTERS: DurableObjectNamespace<ClusterApi>;
  /** The files of the console. Absent where it was not built. */
  readonly ASSETS?: Fetcher;
  /** Requests of the REST API, counted by the name of their token. Absent: no limit. */
  readonly CALL_LIMIT?: RateLimit;
  /** Wrong tokens, counted by the client's address. Absent: no limit. */
  readonly GUESS_LIMIT?: RateLimit;
  /** Tokens of the REST API, separated by commas. */
  readonly API_TOKENS?: string;
  /** `cluster=token` pairs, separated by commas: one token an agent. */
  readonly AGENT_TOKENS?: string;
  /** Any long random text; runner tokens are signed, and storage credentials encrypted, with keys derived from it. */
  readonly SECRET_KEY?: string;
  /** Origins whose pages may call, separated by commas. None by default. */
  readonly CORS_ORIGINS?: string;
  /** Another one that still verifies and opens, while keys are changed. */
  readonly SECRET_KEY_PREVIOUS?: string;
  /** `loopback` serves requests from this machine without a token. Set by the development configuration alone. */
  readonly OPEN_TO?: string;
  /** Seconds without a sign of life after which an attempt is given away. 30 by default. */
  readonly LEASE_SECONDS?: string;
  /** Days for which ended jobs are kept. 30 by default. */
  readonly JOB_RETENTION_DAYS?: string;
}

/** The one Registry. */
export const registryOf = (env: Env): DurableObjectStub<RegistryApi> => env.REGISTRY.getByName("registry");

/** Asks the platform to create an object near `region`. It counts for the first call of an object only. */
const near = (region: Region | null): DurableObjectNamespaceGetDurableObjectOptions =>
  region === null ? {} : { locationHint: region };

/** The object of a job. Call it for ids only that the Registry knows: naming an object brings it into being. */
export const jobOf = (env: Env, jobId: string, region: Region | null = null): DurableObjectStub<JobApi> =>
  env.JOBS.getByName(jobId, near(region));

export const clusterOf = (env: Env, cluster: string, region: Region | null = null): DurableObjectStub<ClusterApi> =>
  env.CLUSTERS.getByName(cluster, near(region));
