/** A body of an answer, which is let go of where the loop over it ends early. */
type Body = AsyncIterable<Uint8Array>;

/**
 * The text of a body, in UTF-8.
 * @param limit bytes
 * @returns undefined for a body of more bytes, the rest of which is not read
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
