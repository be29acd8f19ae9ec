import { dataOf, repeatably, type ApiClient, type RequestOptions } from "./requests.ts";
import type { Cluster } from "./types.ts";

export class Clusters {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** Lists the clusters that jobs can run on. There are only a few, so this returns an array, not a `List`. */
  async list(options: RequestOptions = {}): Promise<readonly Cluster[]> {
    return dataOf(await repeatably(async () => this.#client.GET("/api/v1/clusters", options), options));
  }
}
