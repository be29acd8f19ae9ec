/** A request for an object of an S3-compatible store, as far as uploads go, and how the store has answered it. */
type Answered = {
  readonly method: string | undefined;
  readonly url: URL;
  readonly status: number;
  readonly body: Buffer;
};

export type OpenUpload = { readonly uploadId: string; readonly path: string };

/** Knows of every multipart upload that went by whether it has been ended, by what the store has answered. */
export class UploadLedger {
  readonly #open = new Map<string, string>();

  /** To be told of every answer, in the order in which the store gave them. */
  note({ method, url, status, body }: Answered): void {
    const uploadId = url.searchParams.get("uploadId");
    if (method === "POST" && url.searchParams.has("uploads")) {
      const [, created] = /<UploadId>([^<]+)</.exec(body.toString()) ?? [];
      if (status === 200 && created !== undefined) this.#open.set(created, url.pathname);
    } else if (uploadId === null) return;
    // An answer of 200 to a completion may hold an error.
    else if (method === "POST" && status === 200 && !body.includes("<Error")) this.#open.delete(uploadId);
    else if (method === "DELETE" && status === 204) this.#open.delete(uploadId);
  }

  /** Those that were begun and neither completed nor aborted, oldest first. */
  get open(): OpenUpload[] {
    return [...this.#open].map(([uploadId, path]) => ({ uploadId, path }));
  }
}
