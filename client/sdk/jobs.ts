import { watchEvents } from "./events.ts";
import { List } from "./list.ts";
import { dataOf, once, repeatably, type ApiClient, type RequestOptions } from "./requests.ts";
import type { Job, JobChanges, JobDetail, JobRequest, JobStatus, JournalEvent } from "./types.ts";

/** Selects jobs. A job must match every field that is given. */
export type JobFilter = {
  readonly status?: JobStatus | readonly JobStatus[] | undefined;
  /** A substring of the job's name, case-insensitive. */
  readonly name?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** The name of one of the job's programs. */
  readonly program?: string | undefined;
  /** The name of the token that submitted the job. */
  readonly submittedBy?: string | undefined;
  readonly cluster?: string | undefined;
  /** Submitted at or after this time: RFC 3339, or milliseconds since 1970. */
  readonly since?: string | number | undefined;
  /** Submitted before this time, in the same formats. */
  readonly until?: string | number | undefined;
};

export type CreateOptions = RequestOptions & {
  /** Repeating a request with the same key within 24 hours returns the same job. @default a random key */
  readonly idempotencyKey?: string | undefined;
};

export type WaitOptions = RequestOptions & {
  /** Called with each event of the job, starting with the first. */
  readonly onEvent?: ((event: JournalEvent) => void) | undefined;
};

const queryOf = ({ status, tags = {}, since, until, ...same }: JobFilter) => ({
  ...same,
  status: status === undefined || typeof status === "string" ? status : status.join(","),
  tag: Object.entries(tags).map(([key, value]) => `${key}:${value}`),
  since: since?.toString(),
  until: until?.toString(),
});

/** Avoids `crypto.randomUUID`, which browsers provide only on HTTPS pages. */
const randomKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export class Jobs {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** Lists jobs, newest first. */
  list(filter: JobFilter = {}, options: RequestOptions = {}): List<Job> {
    const query = queryOf(filter);
    return new List(
      async (page) => this.#client.GET("/api/v1/jobs", { params: { query: { ...query, ...page } }, ...options }),
      options,
    );
  }

  async get(id: string, options: RequestOptions = {}): Promise<JobDetail> {
    const params = { path: { id } };
    return dataOf(await repeatably(async () => this.#client.GET("/api/v1/jobs/{id}", { params, ...options }), options));
  }

  /** Starts a job. */
  async create(
    request: JobRequest,
    { idempotencyKey = randomKey(), ...options }: CreateOptions = {},
  ): Promise<JobDetail> {
    const params = { header: { "Idempotency-Key": idempotencyKey } };
    const send = async () => this.#client.POST("/api/v1/jobs", { params, body: request, ...options });
    return dataOf(await repeatably(send, options));
  }

  /** Starts a new job like this one, with some fields replaced. Credentials and storage headers must be given again. */
  async rerun(
    id: string,
    changes: JobChanges = {},
    { idempotencyKey = randomKey(), ...options }: CreateOptions = {},
  ): Promise<JobDetail> {
    const params = { path: { id }, header: { "Idempotency-Key": idempotencyKey } };
    const send = async () => this.#client.POST("/api/v1/jobs/{id}/rerun", { params, body: changes, ...options });
    return dataOf(await repeatably(send, options));
  }

  /** Resumes a failed job whose work was kept (`keepFailedSeconds`), with some fields replaced. */
  async resume(id: string, changes: JobChanges = {}, options: RequestOptions = {}): Promise<JobDetail> {
    const params = { path: { id } };
    const send = async () => this.#client.POST("/api/v1/jobs/{id}/resume", { params, body: changes, ...options });
    return dataOf(await once(send, options));
  }

  /** Stops a job, or discards the kept work of a failed one. @returns a sentence that says what was done */
  async stop(id: string, options: RequestOptions = {}): Promise<string> {
    const params = { path: { id } };
    return dataOf(await once(async () => this.#client.DELETE("/api/v1/jobs/{id}", { params, ...options }), options));
  }

  /** Removes an ended job and everything kept for it except its output. @returns a sentence that says what was done */
  async purge(id: string, options: RequestOptions = {}): Promise<string> {
    const params = { path: { id }, query: { purge: "true" } } as const;
    return dataOf(await once(async () => this.#client.DELETE("/api/v1/jobs/{id}", { params, ...options }), options));
  }

  /** Lists the URLs of a completed job's output parts, in order. */
  outputs(id: string, options: RequestOptions = {}): List<string> {
    return new List(
      async (query) => this.#client.GET("/api/v1/jobs/{id}/outputs", { params: { path: { id }, query }, ...options }),
      options,
    );
  }

  /** Waits until a job has ended, reconnecting when necessary. @returns the completed, failed or stopped job */
  async wait(id: string, { onEvent, ...options }: WaitOptions = {}): Promise<JobDetail> {
    for await (const event of watchEvents(this.#client, id, options)) onEvent?.(event);
    return await this.get(id, options);
  }
}
