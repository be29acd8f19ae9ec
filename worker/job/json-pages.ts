import type { Page } from "../contracts.ts";
import { streamJsonArray } from "../platform/json-array.ts";

/** Items that are read at a time where a list is sent whole. */
const chunk = 500;

/**
 * A list as a JSON array.
 *
 * @param limit the most items; without it everything is sent, read in chunks as the receiver takes them
 * @param read reads on: up to so many items, as JSON, where the last call ended
 * @param cursor the `after` value of the item that was read last
 */
export const jsonPages = (
  limit: number | undefined,
  read: (limit: number) => string[],
  cursor: () => string | null,
): Page => {
  if (limit === undefined) return { body: streamJsonArray(readAll(read)), next: null };
  const items = read(limit);
  const after = cursor();
  // One more tells whether another page follows.
  const hasMore = items.length === limit && read(1).length > 0;
  return { body: streamJsonArray(items.values()), next: hasMore ? after : null };
};

function* readAll(read: (limit: number) => string[]): Generator<string> {
  for (;;) {
    const items = read(chunk);
    yield* items;
    if (items.length < chunk) return;
  }
}
