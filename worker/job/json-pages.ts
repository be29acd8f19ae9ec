import type { Page } from "../contracts.ts";

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
  const encoder = new TextEncoder();
  if (limit !== undefined) {
    const items = read(limit);
    const after = cursor();
    // One more tells whether another page follows.
    const more = items.length === limit && read(1).length > 0;
    const body = new Blob([`[${items.join(",")}]`]).stream();
    return { body, next: more ? after : null };
  }
  let first = true;
  const body = new ReadableStream({
    type: "bytes",
    pull(controller) {
      const items = read(chunk);
      const text = (first ? "[" : items.length > 0 ? "," : "") + items.join(",") + (items.length < chunk ? "]" : "");
      first = false;
      controller.enqueue(encoder.encode(text));
      if (items.length < chunk) controller.close();
    },
  });
  return { body, next: null };
};
