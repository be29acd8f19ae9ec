import { dataOf, repeatably, type Answer, type RequestOptions } from "./requests.ts";

export type PageRequest = {
  /** The most items, up to 1000. Without it, the page is all that follows `after`. */
  readonly limit?: number | undefined;
  /** Where the page begins: `next` of the page before. @default at the beginning of the list */
  readonly after?: string | undefined;
};

export type Page<Item> = {
  readonly items: readonly Item[];
  /** Where the next page begins. Undefined if this page is the last. */
  readonly next: string | undefined;
};

type Load<Item> = (page: PageRequest) => Promise<Answer<readonly Item[]>>;

/** Items that are read at a time: the most that a page can have. */
const pageSize = 1000;

/** The header `Link` (RFC 8288) of a page with others after it has the address of the next one. */
const nextOf = ({ headers }: Response): string | undefined => {
  const url = /<([^>]+)>; rel="next"/.exec(headers.get("Link") ?? "")?.[1];
  return url === undefined ? undefined : (new URL(url).searchParams.get("after") ?? undefined);
};

/** A list on the server. Nothing is read before it is iterated: `for await (const job of edgefold.jobs.list())`. */
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
