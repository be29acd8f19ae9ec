/*
 * Patterns over keys and paths, which the components between slashes make up:
 *
 *   *        any characters within a component
 *   ?        one character within a component
 *   **       any characters across components; as a component of its own, any number of components, or none
 *   [a-c]    one character of the set; [!a-c] one that is not in it
 *   {a,b*}   either pattern; they may nest
 *
 * A wildcard at the beginning of a component does not match a hidden one, which begins with `_` or `.`; written out, it is
 * matched. A bracket or brace that is not closed stands for itself, and [*] for a star.
 */

const wildcard = /[*?]|\[[^\]]+\]|\{[^}]*\}/;

/** Whether a key means more than itself. */
export const isGlob = (key: string): boolean => wildcard.test(key);

/** The beginning of a pattern that every match has, up to its first wildcard. */
export const literalPrefix = (glob: string): string => {
  const first = wildcard.exec(glob);
  return first === null ? glob : glob.slice(0, first.index);
};

/** The pattern as a regular expression for whole keys. */
export const globToRegExp = (glob: string): RegExp => new RegExp(`^(?:${sequence(glob, true)})$`, "su");

const visible = "(?![._])";
const literal = (text: string): string => text.replaceAll(/[$()*+.?[\\\]^{|}/]/g, String.raw`\$&`);

/** @param atStart whether a component begins where the sequence does */
const sequence = (glob: string, atStart: boolean): string => {
  let source = "";
  let begins = atStart;
  for (let rest = glob; rest !== "";) {
    const { length, regex } = token(rest, begins);
    source += regex;
    begins = rest[length - 1] === "/";
    rest = rest.slice(length);
  }
  return source;
};

type Token = { readonly length: number; readonly regex: string };

/** The first token of `rest`, which is not empty. */
const token = (rest: string, begins: boolean): Token => {
  const shown = begins ? visible : "";
  if (begins && rest.startsWith("**/")) return { length: 3, regex: `(?:${visible}[^/]+/)*` };
  if (rest.startsWith("**")) {
    const stars = /^\*+/.exec(rest)?.[0] ?? "";
    return { length: stars.length, regex: `${shown}[^/]*(?:/${visible}[^/]*)*` };
  }
  if (rest.startsWith("*")) return { length: 1, regex: `${shown}[^/]*` };
  if (rest.startsWith("?")) return { length: 1, regex: `${shown}[^/]` };
  const set = /^\[([!^]?)([^\]]+)\]/.exec(rest);
  if (set !== null)
    return { length: set[0].length, regex: `(?!/)${shown}${charactersOf(set[2] ?? "", set[1] !== "")}` };
  const alternatives = bracesOf(rest);
  if (alternatives !== undefined) {
    const { length, parts } = alternatives;
    return { length, regex: `(?:${parts.map((part) => sequence(part, begins)).join("|")})` };
  }
  const [character = ""] = rest;
  return { length: character.length, regex: literal(character) };
};

const charactersOf = (set: string, negated: boolean): string => {
  const escaped = set.replaceAll(/[\\[^|()/{}]/g, String.raw`\$&`);
  const ranges = [...set.matchAll(/(.)-(.)/gsu)];
  // a range backwards is no range: its characters stand for themselves
  const isValid = ranges.every(([, from = "", to = ""]) => (from.codePointAt(0) ?? 0) <= (to.codePointAt(0) ?? 0));
  return `[${negated ? "^" : ""}${isValid ? escaped : escaped.replaceAll("-", String.raw`\-`)}]`;
};

/** The alternatives of a group of braces that `rest` begins with; undefined without one, or where it is not closed. */
const bracesOf = (rest: string): { readonly length: number; readonly parts: readonly string[] } | undefined => {
  if (!rest.startsWith("{")) return undefined;
  const parts: string[] = [];
  let depth = 0;
  let begin = 1;
  for (let at = 0; at < rest.length; at++) {
    const character = rest[at];
    if (character === "{") depth += 1;
    if (character === "}") depth -= 1;
    const isEnd = depth === 0;
    if (isEnd || (depth === 1 && character === ",")) {
      parts.push(rest.slice(begin, at));
      begin = at + 1;
    }
    if (isEnd) return { length: at + 1, parts };
  }
  return undefined;
};
