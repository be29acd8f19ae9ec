/** What a sample holds at most. Its worker cuts what is longer, and its page refuses a report that is longer all the same. */

/** Milliseconds that a module has, with its loading, until the page ends its worker. */
export const longestRun = 5000;
/** Lines of input. */
export const mostLines = 1000;
/** UTF-16 units of the input. */
export const longestInput = 65_536;
/** Records that are shown; the others are counted. */
export const mostRows = 200;
/** UTF-16 units of a key or a value. */
export const longestPart = 1000;
/** Lines of what the module printed; the others are counted. */
export const mostPrinted = 200;
/** UTF-16 units of such a line. */
export const longestPrinted = 1000;
/** UTF-16 units of an error. */
export const longestError = 4000;

/** Returns at most `longest` UTF-16 units. An ellipsis is the last of them if something is missing. */
export const cut = (text: string, longest: number): string =>
  (text.length <= longest ? text : `${text.slice(0, longest - 1)}…`).toWellFormed();
