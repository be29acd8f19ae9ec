import { z } from "zod";
import type { Items, Page, PageRequest } from "../contracts.ts";
import { streamJsonArray } from "../platform/json-array.ts";
import { check } from "./body.ts";
import { arrayOf, jsonAnswer } from "./operation.ts";
import { jsonResponse } from "./responses.ts";

/** The most items of a page, asked for or not. */
const maxPage = 1000;

/** What `next` links have in `after`. */
const cursor = /^[\w.@-]{1,64}$/;

export const PageQuerySchema = z.object({
  limit: z
    .string()
    .regex(/^[0-9]{1,4}$/, "must be a whole number from 1 to 1000")
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= maxPage, "must be a whole number from 1 to 1000")
    .optional(),
  after: z.string().regex(cursor, "must be the value of a page's 'next' link").optional(),
});

/** The page that a URL's query asks for. @throws ProblemError 400 */
export const pageOf = (url: URL): PageRequest => check(PageQuerySchema, Object.fromEntries(url.searchParams));

/** The `Link` header (RFC 8288) to the page after this one. */
const nextLinkOf = (url: URL, next: string | null): Record<string, string> => {
  if (next === null) return {};
  const target = new URL(url);
  target.searchParams.set("after", next);
  return { Link: `<${target.href}>; rel="next"` };
};

/** Answers with a page that is ready to be sent. */
export const listResponse = ({ url }: { readonly url: URL }, { body, next }: Page): Response =>
  jsonResponse(body, 200, nextLinkOf(url, next));

/** What the OpenAPI document says of a list's query. */
export const pageParameters = [
  {
    name: "limit",
    in: "query" as const,
    description: "The most items of a page. Without it, the answer is the whole list.",
    schema: { type: "integer", minimum: 1, maximum: maxPage },
  },
  {
    name: "after",
    in: "query" as const,
    description: "Where the page begins, from the `next` link of the page before.",
    schema: { type: "string", pattern: cursor.source },
  },
];

/** An answer with a list. */
export const listAnswer = (description: string, schema: z.ZodType): object => ({
  ...jsonAnswer(description, arrayOf(schema)),
  headers: {
    Link: { description: 'The next page, if there is one: `<…>; rel="next"`', schema: { type: "string" } },
  },
});

/** Loads at most `limit` items that follow `after`. */
type Load = (after: string | null, limit: number) => Promise<Items>;

type ListOptions = {
  /** Makes an item ready to be sent. */
  readonly finish?: (item: string) => string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Answers with a list: a page where the query has a `limit`, else all of it, page by page, never held whole. */
export const respondWithList = async (url: URL, load: Load): Promise<Response> => {
  const page = pageOf(url);
  // Before the response begins, so that a failure is still a problem of its own.
  return streamList(url, page, await loadFirst(page, load), load);
};

/** The first page of a list. */
export const loadFirst = async <First extends Items>(
  { after, limit }: PageRequest,
  load: (after: string | null, limit: number) => Promise<First>,
): Promise<First> => await load(after ?? null, limit ?? maxPage);

/** Answers with a list whose first page is there. */
export const streamList = (
  url: URL,
  { limit }: PageRequest,
  first: Items,
  load: Load,
  { finish = (item) => item, headers = {} }: ListOptions = {},
): Response => {
  const readAll = async function* (): AsyncGenerator<string> {
    let page = first;
    for (;;) {
      for (const item of page.items) yield finish(item);
      if (limit !== undefined || page.next === null) return;
      page = await load(page.next, maxPage);
    }
  };
  const link = limit === undefined ? {} : nextLinkOf(url, first.next);
  return jsonResponse(streamJsonArray(readAll()), 200, { ...headers, ...link });
};
