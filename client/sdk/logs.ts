import { repeatably, type ApiClient, type RequestOptions } from "./requests.ts";
import { readText } from "./text.ts";

const logPath = "/api/v1/jobs/{id}/tasks/{task}/attempts/{attempt}/log";

export type LogOptions = RequestOptions & {
  /** Returns only the last `tail` lines. @default everything that is kept */
  readonly tail?: number | undefined;
};

/** The standard error output of the programs, by attempt. */
export class Logs {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** Reads what is stored of a log, about 1 MiB at most: its start and its end, with a line for what is left out in between. */
  async read(job: string, task: string, attempt: number, { tail, ...options }: LogOptions = {}): Promise<string> {
    const params = { path: { id: job, task, attempt }, query: { tail } };
    const send = async () => this.#client.GET(logPath, { params, parseAs: "text", ...options });
    // An empty log has no data.
    return (await repeatably(send, options)).data ?? "";
  }

  /**
   * Follows a log: yields what is stored, then what is added, until the attempt has ended.
   * @throws EdgefoldError also when the connection is lost, which can happen if nothing is added for minutes
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
