import { List } from "./list.ts";
import { dataOf, once, repeatably, type ApiClient, type RequestOptions } from "./requests.ts";
import type { ArtifactType, StoredArtifact } from "./types.ts";

/** The content of an artifact. Node's `openAsBlob` makes a Blob that does not hold a large file in memory. */
export type ArtifactContent = Blob | string | ArrayBuffer | Uint8Array<ArrayBuffer>;

export type ArtifactFilter = { readonly type?: ArtifactType | undefined };

export type PutOptions = RequestOptions & {
  /** @default inferred from the name and from how the content begins */
  readonly type?: ArtifactType | undefined;
};

/** Programs, and the files and archives that they read. */
export class Artifacts {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** Lists artifacts, newest first. */
  list(filter: ArtifactFilter = {}, options: RequestOptions = {}): List<StoredArtifact> {
    return new List(
      async (page) => this.#client.GET("/api/v1/artifacts", { params: { query: { ...filter, ...page } }, ...options }),
      options,
    );
  }

  async get(name: string, options: RequestOptions = {}): Promise<StoredArtifact> {
    const params = { path: { filename: name } };
    const send = async () => this.#client.GET("/api/v1/artifacts/{filename}", { params, ...options });
    return dataOf(await repeatably(send, options));
  }

  /** Uploads an artifact, or replaces the one of that name. Jobs keep what they were started with. */
  async put(name: string, content: ArtifactContent, { type, ...options }: PutOptions = {}): Promise<StoredArtifact> {
    const form = new FormData();
    if (type !== undefined) form.set("type", type);
    form.set("program", content instanceof Blob ? content : new Blob([content]), name);
    // The description of the API has no files, only texts.
    const body = { program: name };
    const send = async () => this.#client.PUT("/api/v1/artifacts", { body, bodySerializer: () => form, ...options });
    return dataOf(await repeatably(send, options));
  }

  async delete(name: string, options: RequestOptions = {}): Promise<void> {
    const params = { path: { filename: name } };
    await once(async () => this.#client.DELETE("/api/v1/artifacts/{filename}", { params, ...options }), options);
  }

  /** Downloads an artifact. @returns the answer, whose body can be read as text, bytes or a stream */
  async content(name: string, options: RequestOptions = {}): Promise<Response> {
    const params = { path: { filename: name } };
    const send = async () =>
      this.#client.GET("/api/v1/artifacts/{filename}/content", { params, parseAs: "stream", ...options });
    return (await repeatably(send, options)).response;
  }
}
