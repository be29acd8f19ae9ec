import { EventHeadSchema } from "../../shared/api/events.ts";

/**
 * Events as text, in the form of server-sent events (HTML standard, section 9.2). They are made once for all who watch, who only
 * have to tell by the numbers what they have.
 */

/** @param items events as JSON, in ascending order */
export const eventStreamOf = (items: readonly string[]): string =>
  items
    .map((item) => {
      const { id, kind } = EventHeadSchema.parse(JSON.parse(item));
      return `id: ${id}\nevent: ${kind}\ndata: ${item}\n\n`;
    })
    .join("");

const label = "id: ";

/** The number of the event that begins there. JSON has no line ends, so that nothing else in a text looks like a label. */
const idAt = (text: string, start: number): number =>
  Number(text.slice(start + label.length, text.indexOf("\n", start)));

/** The number of the last event of a text; undefined where there is none. */
export const lastIdOf = (text: string): number | undefined =>
  text === "" ? undefined : idAt(text, text.lastIndexOf(`\n${label}`) + 1);

/** The events of a text whose numbers are above `id`. */
export const eventsAfter = (text: string, id: number): string => {
  let start = 0;
  while (start < text.length && idAt(text, start) <= id) start = text.indexOf("\n\n", start) + 2;
  return text.slice(start);
};
