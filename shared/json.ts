/** Parses JSON text from outside; undefined when it is not text, or not JSON. */
export const parseJson = (text: unknown): unknown => {
  if (typeof text !== "string") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
