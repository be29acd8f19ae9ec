import { dataOf, repeatably, type Answer, type RequestOptions } from "./requests.ts";

export type PageRequest = {
  /** The maximum number of items, up to 1000. Without it, the page contains everything after `after`. */
  readonly limit?: number | undefined;
  /** Where the page begins: `next` of the previous page. @default the beginning of the list */
  readonly after?: string | undefined;
};

export type Page<Item> = {
  readonly items: readonly Item[];
  /** Where the next page begins. Undefined on the last page. */
  readonly next: string | undefined;
};

type Load<Item> = (page: PageRequest) => Promise<Answer<readonly Item[]>>;

/** The number of items requested at a time: the largest page that the server allows. */
const pageSize = 1000;

/** Reads where the next page begins from the `Link` header (RFC 8288). Undefined on the last page. */
const nextOf = ({ headers }: Response): string | undefined => {
  const url = /<([^>]+)>; rel="next"/.exec(headers.get("Link") ?? "")?.[1];
  return url === undefined ? undefined : (new URL(url).searchParams.get("after") ?? undefined);
};

/** A list on the server. It is fetched lazily, as you iterate: `for await (const job of edgefold.jobs.list())`. */
export class List<Item> implements AsyncIterable<Item> {
  readonly #load: Load<Item>;
  readonly #options: RequestOptions;

  constructor(load: Load<Item>, options: RequestOptions) {
    this.#load = load;
    this.#options = options;
  }

  /** Reads one page. */
  async page(request: PageRequest = {}): Promise<Page<Item>> {
    const answer = await repeatably(async () => this.#load(request), this.#options);
    return { items: dataOf(answer), next: nextOf(answer.response) };
  }

  /** Reads all items, page by page. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    let after: string | undefined;
    do {
      const { items, next } = await this.page({ limit: pageSize, after });
      yield* items;
      after = next;
    } while (after !== undefined);
  }
}
