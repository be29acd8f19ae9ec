/**
 * Text from a program as it may be stored and shown: control characters become spaces, what is no Unicode a replacement
 * character.
 * @param longest most UTF-16 units; the rest is cut off
 */
export function cleanText(text: string, longest: number): string {
  const cut = text.slice(0, longest).replace(text.length > longest ? /[\uD800-\uDBFF]$/ : "", "");
  return cut.toWellFormed().replaceAll(/\p{Cc}/gu, " ");
}
