import { z } from "zod";
import { check } from "./body.ts";
import type { Items, PageRequest } from "../contracts.ts";
import { jsonResponse } from "./responses.ts";

/** Most items of a page, asked for or not. */
export const maxPage = 1000;

const PageQuerySchema = z.object({
  limit: z
    .string()
    .regex(/^[0-9]{1,4}$/, "must be a whole number from 1 to 1000")
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= maxPage, "must be a whole number from 1 to 1000")
    .optional(),
  after: z
    .string()
    .regex(/^[\w-]{1,64}$/, "must be the value of a page's 'next' link")
    .optional(),
});

/** The page that a URL's query asks for. @throws ProblemError 400 */
export const pageOf = (url: URL): PageRequest => check(PageQuerySchema, Object.fromEntries(url.searchParams));

/** The `Link` header (RFC 8288) to the page after this one. */
export const nextLink = (url: URL, next: string | null): Record<string, string> => {
  if (next === null) return {};
  const target = new URL(url);
  target.searchParams.set("after", next);
  return { Link: `<${target.href}>; rel="next"` };
};

/** UTF-16 units after which a piece of an array is sent: one for each item would cost more than the items. */
const pieceLength = 64 * 1024;

/** A JSON array that is written while it is read; `items` is asked for more only when there is room. */
const jsonArray = (items: AsyncGenerator<string>): ReadableStream<Uint8Array> => {
  const encoder = new TextEncoder();
  let separator = "[";
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      let piece = "";
      while (piece.length < pieceLength) {
        const { done, value } = await items.next();
        if (done) {
          controller.enqueue(encoder.encode(`${piece}${separator === "[" ? "[" : ""}]`));
          controller.close();
          return;
        }
        piece += separator + value;
        separator = ",";
      }
      controller.enqueue(encoder.encode(piece));
    },
    async cancel() {
      await items.return(undefined);
    },
  });
};

/**
 * Answers with a list: a page where the query has a `limit`, else all of it, page by page, never held whole.
 *
 * @param load gives at most `limit` items that follow `after`
 * @param finish what an item becomes before it is sent
 */
export const listResponse = async (
  url: URL,
  load: (after: string | null, limit: number) => Promise<Items>,
  finish: (item: string) => string = (item) => item,
): Promise<Response> => {
  const { limit, after } = pageOf(url);
  // Before the response begins, so that a failure can still be told.
  const first = await load(after ?? null, limit ?? maxPage);
  const all = async function* (): AsyncGenerator<string> {
    let page = first;
    for (;;) {
      for (const item of page.items) yield finish(item);
      if (limit !== undefined || page.next === null) return;
      page = await load(page.next, maxPage);
    }
  };
  return jsonResponse(jsonArray(all()), 200, limit === undefined ? {} : nextLink(url, first.next));
};
