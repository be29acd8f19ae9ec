import createClient from "openapi-fetch";
import { Artifacts } from "./artifacts.ts";
import { Clusters } from "./clusters.ts";
import { watchEvents, type EventOptions } from "./events.ts";
import { Jobs, type CreateOptions, type WaitOptions } from "./jobs.ts";
import { Logs } from "./logs.ts";
import type { paths } from "./openapi.ts";
import { dataOf, repeatably, type ApiClient, type RequestOptions } from "./requests.ts";
import { Attempts, Tasks } from "./tasks.ts";
import { Tokens } from "./tokens.ts";
import type { JobDetail, JobRequest, JournalEvent, Me } from "./types.ts";

export type EdgefoldOptions = {
  /** The URL of the Worker, such as `https://edgefold.example.com`. */
  readonly url: string | URL;
  /** An API token. Local development needs none. */
  readonly token?: string | undefined;
  /** Makes the requests. @default the platform's `fetch` */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
};

/** Validates the URL here because the platform's errors quote it, including any credentials. */
const checkedUrl = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError("url must begin with https:// or http://");
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError("url must not hold a user name or a password; pass a token");
  }
  return url.href;
};

const authorization = (token: string | undefined): Record<string, string> => {
  if (token === undefined) return {};
  if (!/^[!-~]+$/.test(token)) throw new TypeError("token must have visible ASCII characters only, and at least one");
  return { Authorization: `Bearer ${token}` };
};

/** A client of the REST API. All methods throw an `EdgefoldError` if a request fails. */
export class Edgefold {
  readonly jobs: Jobs;
  readonly tasks: Tasks;
  readonly attempts: Attempts;
  readonly logs: Logs;
  readonly artifacts: Artifacts;
  readonly clusters: Clusters;
  readonly tokens: Tokens;
  readonly #client: ApiClient;

  /** @throws TypeError if the URL or the token cannot be used */
  constructor({ url, token, fetch }: EdgefoldOptions) {
    const client = createClient<paths>({
      baseUrl: checkedUrl(String(url)),
      headers: authorization(token),
      fetch,
      // The API never redirects. Following a redirect would turn a POST into a GET and accept a login page as the response.
      redirect: "manual",
    });
    this.#client = client;
    this.jobs = new Jobs(client);
    this.tasks = new Tasks(client);
    this.attempts = new Attempts(client);
    this.logs = new Logs(client);
    this.artifacts = new Artifacts(client);
    this.clusters = new Clusters(client);
    this.tokens = new Tokens(client);
  }

  /**
   * Starts a job and waits until it has ended, however often the connection is lost.
   * @returns the job, completed, failed or stopped
   */
  async run(request: JobRequest, { onEvent, ...options }: CreateOptions & WaitOptions = {}): Promise<JobDetail> {
    const { id } = await this.jobs.create(request, options);
    return await this.jobs.wait(id, { onEvent, signal: options.signal });
  }

  /**
   * Watches a job, from its first event until it has ended. Reconnects when the connection is lost, and yields each event
   * once. To continue later, pass the `id` of the last event as `after`.
   * @throws EdgefoldError if the job is unknown, or the server does not come back within about ten minutes
   */
  events(job: string, options: EventOptions = {}): AsyncGenerator<JournalEvent> {
    return watchEvents(this.#client, job, options);
  }

  /** Gets the name and the role of the token. */
  async me(options: RequestOptions = {}): Promise<Me> {
    return dataOf(await repeatably(async () => this.#client.GET("/api/v1/me", options), options));
  }

  /** Gets the keys that sign notifications: two while `SECRET_KEY` is being rotated, otherwise one. */
  async notificationKeys(options: RequestOptions = {}): Promise<readonly string[]> {
    const send = async () => this.#client.GET("/api/v1/notification-key", options);
    return dataOf(await repeatably(send, options)).keys;
  }
}
