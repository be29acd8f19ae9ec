import { XMLParser } from "fast-xml-parser";
import { z } from "zod";

/** An answer that the service would not send. The message says what is wrong. */
export class MalformedAnswerError extends Error {
  override name = "MalformedAnswerError";
}

/** In UTF-16 units. Each element of a list can add to the message. */
const longestMessage = 1000;

type XmlReader = <T>(text: string, schema: z.ZodType<T>) => T;

/**
 * Reads XML documents. An element with children becomes an object, any other a string. Attributes are ignored.
 *
 * @param lists the dotted paths of elements that can be repeated; they always become arrays
 */
export const xmlReader = (lists: readonly string[]): XmlReader => {
  const parser = new XMLParser({
    ignoreAttributes: true,
    // a key "007" must not become a number, and a key must not lose its spaces
    parseTagValue: false,
    trimValues: false,
    // the parser decodes numeric references only if it decodes HTML entities, too
    htmlEntities: true,
    isArray: (_name, path) => typeof path === "string" && lists.includes(path),
  });
  return (text, schema) => {
    // the parser accepts a truncated document without an error
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
