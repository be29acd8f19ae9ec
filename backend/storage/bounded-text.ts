/** The body of an answer. Leaving the loop over it early releases it. */
type Body = AsyncIterable<Uint8Array>;

/**
 * Reads a body as UTF-8 text.
 * @param limit bytes
 * @returns undefined if the body is longer; the rest of it is not read
 */
export const boundedText = async (body: Body, limit: number): Promise<string | undefined> => {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limit) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
};
