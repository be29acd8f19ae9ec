/** What others have written, such as names and errors of programs, made safe for a terminal: it must not run as escape sequences. */
export const plainText = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is replaced here
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\uFFFD");

/** The same, on one line. */
export const oneLine = (text: string): string => plainText(text.replace(/\s+/g, " ").trim());
