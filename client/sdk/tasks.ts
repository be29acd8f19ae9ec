import { List } from "./list.ts";
import { dataOf, repeatably, type ApiClient, type RequestOptions } from "./requests.ts";
import type { Attempt, Segment, Task, TaskDetail, TaskStates } from "./types.ts";

/** Selects and orders the tasks of a job. */
export type TaskFilter = {
  readonly status?: Task["status"] | undefined;
  readonly type?: Task["type"] | undefined;
  /**
   * `index`: maps before reduces, lowest index first. `-duration`: longest first. `-startTime`: latest start first.
   * @default newest first: reduces before maps, highest index first
   */
  readonly sort?: "index" | "-duration" | "-startTime" | undefined;
};

export class Tasks {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** Lists the tasks of a job. */
  list(job: string, filter: TaskFilter = {}, options: RequestOptions = {}): List<Task> {
    const path = { id: job };
    return new List(
      async (page) =>
        this.#client.GET("/api/v1/jobs/{id}/tasks", { params: { path, query: { ...filter, ...page } }, ...options }),
      options,
    );
  }

  /** Gets a task with all its inputs. */
  async get(job: string, task: string, options: RequestOptions = {}): Promise<TaskDetail> {
    const params = { path: { id: job, task } };
    const send = async () => this.#client.GET("/api/v1/jobs/{id}/tasks/{task}", { params, ...options });
    return dataOf(await repeatably(send, options));
  }

  /** Gets the statuses of all tasks of a job, a letter each, by index. */
  async states(job: string, options: RequestOptions = {}): Promise<TaskStates> {
    const params = { path: { id: job } };
    const send = async () => this.#client.GET("/api/v1/jobs/{id}/task-states", { params, ...options });
    return dataOf(await repeatably(send, options));
  }

  /** Lists the segments of map output that a reduce reads. Empty once the job has ended, unless its work is kept. */
  segments(job: string, task: string, options: RequestOptions = {}): List<Segment> {
    const path = { id: job, task };
    return new List(
      async (query) =>
        this.#client.GET("/api/v1/jobs/{id}/tasks/{task}/segments", { params: { path, query }, ...options }),
      options,
    );
  }
}

export class Attempts {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** Lists the attempts of a task, newest first. */
  list(job: string, task: string, options: RequestOptions = {}): List<Attempt> {
    const path = { id: job, task };
    return new List(
      async (query) =>
        this.#client.GET("/api/v1/jobs/{id}/tasks/{task}/attempts", { params: { path, query }, ...options }),
      options,
    );
  }

  /** @param attempt the attempt's number, starting at 1 */
  async get(job: string, task: string, attempt: number, options: RequestOptions = {}): Promise<Attempt> {
    const params = { path: { id: job, task, attempt } };
    const send = async () =>
      this.#client.GET("/api/v1/jobs/{id}/tasks/{task}/attempts/{attempt}", { params, ...options });
    return dataOf(await repeatably(send, options));
  }
}
