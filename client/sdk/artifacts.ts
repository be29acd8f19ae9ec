import { List } from "./list.ts";
import { dataOf, once, repeatably, type ApiClient, type RequestOptions } from "./requests.ts";
import type { ArtifactType, StoredArtifact } from "./types.ts";

/** The content of an artifact. For large files, Node's `openAsBlob` returns a Blob that is not held in memory. */
export type ArtifactContent = Blob | string | ArrayBuffer | Uint8Array<ArrayBuffer>;

export type ArtifactFilter = { readonly type?: ArtifactType | undefined };

export type PutOptions = RequestOptions & {
  /** @default inferred from the name and the first bytes of the content */
  readonly type?: ArtifactType | undefined;
};

/** Programs, and the files and archives they read. */
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

  /** Uploads an artifact, or replaces the one with that name. Existing jobs keep the content they were started with. */
  async put(name: string, content: ArtifactContent, { type, ...options }: PutOptions = {}): Promise<StoredArtifact> {
    const form = new FormData();
    if (type !== undefined) form.set("type", type);
    form.set("program", content instanceof Blob ? content : new Blob([content]), name);
    // The generated API types describe the file as a string; `bodySerializer` sends the real form.
    const body = { program: name };
    const send = async () => this.#client.PUT("/api/v1/artifacts", { body, bodySerializer: () => form, ...options });
    return dataOf(await repeatably(send, options));
  }

  async delete(name: string, options: RequestOptions = {}): Promise<void> {
    const params = { path: { filename: name } };
    await once(async () => this.#client.DELETE("/api/v1/artifacts/{filename}", { params, ...options }), options);
  }

  /** Downloads an artifact. @returns the response; read its body as text, bytes or a stream */
  async content(name: string, options: RequestOptions = {}): Promise<Response> {
    const params = { path: { filename: name } };
    const send = async () =>
      this.#client.GET("/api/v1/artifacts/{filename}/content", { params, parseAs: "stream", ...options });
    return (await repeatably(send, options)).response;
  }
}
