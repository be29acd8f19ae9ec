import type { Clock } from "./clock.ts";
import type { Random } from "../helpers/random.ts";

/** What matters of an object's content: the indices of the maps whose input has gone into it. */
export type Content = readonly number[];

type Upload = { readonly path: string; readonly content: Content; readonly attempt: string };

/** The longest time until a request takes effect, in ms. */
const slowest = 300;

/** An object store with multipart uploads. A request can take effect although its sender is gone. */
export class ObjectStore {
  readonly objects = new Map<string, { content: Content; attempt: string }>();
  readonly uploads = new Map<string, Upload>();
  readonly #clock: Clock;
  readonly #random: Random;
  /** The longest time until a request is answered, in ms. */
  readonly #slowestAnswer: number;
  #nextUpload = 1;

  constructor(clock: Clock, random: Random, slowestAnswer: number) {
    this.#slowestAnswer = slowestAnswer;
    this.#clock = clock;
    this.#random = random;
  }

  /** @param isWithdrawn whether the request was cancelled before it took effect */
  async request<T>(effect: () => T, isWithdrawn: () => boolean): Promise<T | undefined> {
    await this.#clock.sleep(this.#random.between(1, slowest));
    const outcome = isWithdrawn() ? undefined : effect();
    await this.#clock.sleep(this.#random.between(1, this.#slowestAnswer));
    return outcome;
  }

  put(path: string, content: Content, attempt: string): void {
    this.objects.set(path, { content, attempt });
  }

  createUpload(path: string, content: Content, attempt: string): string {
    const id = `u${this.#nextUpload++}`;
    this.uploads.set(id, { path, content, attempt });
    return id;
  }

  abortUpload(id: string): void {
    this.uploads.delete(id);
  }

  /** As `Store.completeUpload`: if the upload is gone, its resulting object shows that it was completed before. */
  completeUpload(path: string, id: string, attempt: string): "completed" | "lost" {
    const upload = this.uploads.get(id);
    if (upload !== undefined) {
      this.uploads.delete(id);
      this.put(path, upload.content, upload.attempt);
      return "completed";
    }
    return this.objects.get(path)?.attempt === attempt ? "completed" : "lost";
  }

  abortUploadsUnder(folder: string): void {
    for (const [id, { path }] of this.uploads) if (path.startsWith(folder)) this.uploads.delete(id);
  }

  removeFolder(folder: string): void {
    for (const path of this.under(folder)) this.objects.delete(path);
  }

  under(folder: string): string[] {
    return [...this.objects.keys()].filter((path) => path.startsWith(folder));
  }
}
