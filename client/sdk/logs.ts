import { repeatably, type ApiClient, type RequestOptions } from "./requests.ts";
import { readText } from "./text.ts";

const logPath = "/api/v1/jobs/{id}/tasks/{task}/attempts/{attempt}/log";

export type LogOptions = RequestOptions & {
  /** Only so many lines, the last ones. @default all that is kept */
  readonly tail?: number | undefined;
};

/** What the programs of attempts have written to standard error. */
export class Logs {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** Reads what there is of a log: its beginning and its end, with a line that says what is left out between, some 1 MiB in all. */
  async read(job: string, task: string, attempt: number, { tail, ...options }: LogOptions = {}): Promise<string> {
    const params = { path: { id: job, task, attempt }, query: { tail } };
    const send = async () => this.#client.GET(logPath, { params, parseAs: "text", ...options });
    // An empty log has no data.
    return (await repeatably(send, options)).data ?? "";
  }

  /**
   * Follows a log: what there is, then what is added, until the attempt has ended.
   * @throws EdgefoldError also when the connection is lost, as it may be after minutes in which nothing was added
   */
  async *follow(
    job: string,
    task: string,
    attempt: number,
    { tail, ...options }: LogOptions = {},
  ): AsyncGenerator<string> {
    const params = { path: { id: job, task, attempt }, query: { tail, follow: "true" } } as const;
    const send = async () => this.#client.GET(logPath, { params, parseAs: "stream", ...options });
    yield* readText((await repeatably(send, options)).data, options);
  }
}
