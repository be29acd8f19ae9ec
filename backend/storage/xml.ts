import { XMLParser } from "fast-xml-parser";
import { z } from "zod";

/** An answer that is not what the service answers; the message says how. */
export class MalformedAnswerError extends Error {
  override name = "MalformedAnswerError";
}

/** In UTF-16 units: of a list each element may have its faults. */
const longestMessage = 1000;

type XmlReader = <T>(text: string, schema: z.ZodType<T>) => T;

/**
 * Reads documents whose elements are objects, and texts where they hold no others; attributes do not count.
 *
 * @param lists the paths, with dots, of elements that may come several times: arrays, even of one
 */
export const xmlReader = (lists: readonly string[]): XmlReader => {
  const parser = new XMLParser({
    ignoreAttributes: true,
    // a key "007" must not become a number, nor lose its spaces
    parseTagValue: false,
    trimValues: false,
    // numeric references are only decoded together with HTML's
    htmlEntities: true,
    isArray: (_name, path) => typeof path === "string" && lists.includes(path),
  });
  return (text, schema) => {
    // the parser takes a document that breaks off without complaint
    if (!text.trimEnd().endsWith(">")) throw new MalformedAnswerError("the answer is not a whole XML document");
    let document: unknown;
    try {
      document = parser.parse(text);
    } catch (cause) {
      throw new MalformedAnswerError("the answer is not XML", { cause });
    }
    const result = schema.safeParse(document);
    if (result.success) return result.data;
    throw new MalformedAnswerError(z.prettifyError(result.error).slice(0, longestMessage));
  };
};
