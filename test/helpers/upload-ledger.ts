/** A request for an object in an S3-compatible store, as far as it concerns uploads, and the store's answer. */
type Answered = {
  readonly method: string | undefined;
  readonly url: URL;
  readonly status: number;
  readonly body: Buffer;
};

export type OpenUpload = { readonly uploadId: string; readonly path: string };

/** Tracks which multipart uploads are open, from the store's answers. */
export class UploadLedger {
  readonly #open = new Map<string, string>();

  /** Must be called for every answer, in the order in which the store gave them. */
  note({ method, url, status, body }: Answered): void {
    const uploadId = url.searchParams.get("uploadId");
    if (method === "POST" && url.searchParams.has("uploads")) {
      const [, created] = /<UploadId>([^<]+)</.exec(body.toString()) ?? [];
      if (status === 200 && created !== undefined) this.#open.set(created, url.pathname);
    } else if (uploadId === null) return;
    // An answer of 200 to a completion can contain an error.
    else if (method === "POST" && status === 200 && !body.includes("<Error")) this.#open.delete(uploadId);
    else if (method === "DELETE" && status === 204) this.#open.delete(uploadId);
  }

  /** Uploads that were begun but neither completed nor aborted, oldest first. */
  get open(): OpenUpload[] {
    return [...this.#open].map(([uploadId, path]) => ({ uploadId, path }));
  }
}
