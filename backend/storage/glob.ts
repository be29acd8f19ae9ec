/*
 * Patterns for keys and paths, which consist of components separated by slashes:
 *
 *   *        any characters within a component
 *   ?        one character within a component
 *   **       any characters across components; as a component of its own, any number of components, or none
 *   [a-c]    one character of the set; [!a-c] one that is not in it
 *   {a,b*}   either pattern; they may nest
 *
 * A wildcard at the beginning of a component does not match a hidden component, one that begins with `_` or `.`; a pattern that
 * spells out that character does. An unclosed bracket or brace stands for itself, as does a percent-encoded character: [*] and
 * %2A are a star.
 */

import { decodeEscapes } from "../../shared/byte-text.ts";
import { GlobState } from "./glob-state.ts";

/** A code point of a pattern. Only a raw one, which was not percent-encoded, can be a wildcard. */
type Character = { readonly text: string; readonly isRaw: boolean };

/** A part of a pattern: a literal character, or a function that builds the states for the part and continues to `next`. */
type Token = { readonly literal: string } | { readonly toState: (next: GlobState) => GlobState };

/** A pattern. The time to match is always proportional to the lengths of the key and the pattern. */
export class Glob {
  /** The prefix of every match: the pattern up to its first wildcard. */
  readonly prefix: string;
  readonly #start: GlobState;
  readonly #end = GlobState.end();

  private constructor(tokens: readonly Token[]) {
    const first = tokens.findIndex((token) => !("literal" in token));
    this.prefix = textOf(tokens.slice(0, first));
    this.#start = stateOf(tokens, this.#end);
  }

  /**
   * @param written a percent-encoded key or path
   * @returns undefined if it has no wildcard
   */
  static parse(written: string): Glob | undefined {
    const tokens = tokensOf(charactersOf(written), true);
    return tokens.every((token) => "literal" in token) ? undefined : new Glob(tokens);
  }

  /** Whether a whole key matches. The key must be percent-decoded. */
  matches(key: string): boolean {
    return this.#start.leadsTo(this.#end, key);
  }
}

const textOf = (tokens: readonly Token[]): string =>
  tokens.map((token) => ("literal" in token ? token.literal : "")).join("");

const stateOf = (tokens: readonly Token[], next: GlobState): GlobState =>
  tokens.reduceRight(
    (state, token) =>
      "literal" in token ? GlobState.reading(isCode(codeOf(token.literal)), state) : token.toState(state),
    next,
  );

const charactersOf = (written: string): readonly Character[] =>
  written.split(/((?:%[0-9a-f]{2})+)/i).flatMap((part, index) => {
    const isRaw = index % 2 === 0;
    return Array.from(isRaw ? part : decodeEscapes(part), (text) => ({ text, isRaw }));
  });

const reads = (character: Character | undefined, text: string): boolean =>
  character?.isRaw === true && character.text === text;

/** @param atStart whether a component begins at the start of the sequence */
const tokensOf = (characters: readonly Character[], atStart: boolean): readonly Token[] => {
  const tokens: Token[] = [];
  for (let at = 0; at < characters.length;) {
    const begins = at === 0 ? atStart : characters[at - 1]?.text === "/";
    const { end, token } = wildcardAt(characters, at, begins) ?? {
      end: at + 1,
      token: { literal: characters[at]?.text ?? "" },
    };
    tokens.push(token);
    at = end;
  }
  return tokens;
};

type Wildcard = { readonly end: number; readonly token: Token };

/** @param begins whether a component begins at index `at` */
const wildcardAt = (characters: readonly Character[], at: number, begins: boolean): Wildcard | undefined => {
  if (reads(characters[at], "*")) return starsAt(characters, at, begins);
  if (reads(characters[at], "?")) return { end: at + 1, token: { toState: (next) => oneOf(notSlash, next) } };
  if (reads(characters[at], "[")) return setAt(characters, at);
  return reads(characters[at], "{") ? bracesAt(characters, at, begins) : undefined;
};

const codeOf = (text: string): number => text.codePointAt(0) ?? 0;

const isCode =
  (wanted: number) =>
  (code: number): boolean =>
    code === wanted;

const slash = codeOf("/");
const isSlash = isCode(slash);
const notSlash = (code: number): boolean => code !== slash;

const oneOf = (accepts: (code: number) => boolean, next: GlobState): GlobState =>
  GlobState.visible(GlobState.reading(accepts, next));

const starsAt = (characters: readonly Character[], at: number, begins: boolean): Wildcard => {
  let end = at;
  while (reads(characters[end], "*")) end += 1;
  if (end === at + 1) return { end, token: { toState: withinComponent } };
  const isComponent = begins && end === at + 2 && characters[end]?.text === "/";
  return isComponent ? { end: end + 1, token: { toState: components } } : { end, token: { toState: acrossComponents } };
};

/** Any characters except a slash, or none. */
const withinComponent = (next: GlobState): GlobState =>
  GlobState.visible(GlobState.loop((again) => GlobState.reading(notSlash, again), next));

/** Any number of components, each followed by a slash, or none. */
const components = (next: GlobState): GlobState =>
  GlobState.loop((again) => oneOf(notSlash, withinComponent(GlobState.reading(isSlash, again))), next);

/** Any characters, or none. */
const acrossComponents = (next: GlobState): GlobState =>
  GlobState.loop((again) => withinComponent(GlobState.reading(isSlash, again)), withinComponent(next));

/** Parses a set. Undefined if it is unclosed or empty. */
const setAt = (characters: readonly Character[], at: number): Wildcard | undefined => {
  const isNegation = reads(characters[at + 1], "!") || reads(characters[at + 1], "^");
  // If the negation sign is the only character of a set, it is a member.
  const isNegated = isNegation && !reads(characters[at + 2], "]");
  const begin = isNegated ? at + 2 : at + 1;
  let end = begin;
  while (end < characters.length && !reads(characters[end], "]")) end += 1;
  if (end === begin || end === characters.length) return undefined;
  const holds = membership(characters.slice(begin, end));
  const accepts = (code: number): boolean => code !== slash && holds(code) !== isNegated;
  return { end: end + 1, token: { toState: (next) => oneOf(accepts, next) } };
};

const membership = (members: readonly Character[]): ((code: number) => boolean) => {
  const codes = new Set<number>();
  const ranges: (readonly [number, number])[] = [];
  for (let at = 0; at < members.length; at++) {
    const from = codeOf(members[at]?.text ?? "");
    const last = members[at + 2];
    const to = codeOf(last?.text ?? "");
    const isRange = last !== undefined && reads(members[at + 1], "-") && from <= to;
    if (isRange) ranges.push([from, to]);
    else codes.add(from);
    if (isRange) at += 2;
  }
  return (code) => codes.has(code) || ranges.some(([from, to]) => from <= code && code <= to);
};

/** Parses a group of braces. Undefined if it is unclosed. */
const bracesAt = (characters: readonly Character[], at: number, begins: boolean): Wildcard | undefined => {
  const parts: (readonly Token[])[] = [];
  let depth = 0;
  let begin = at + 1;
  for (let end = at; end < characters.length; end++) {
    if (reads(characters[end], "{")) depth += 1;
    if (reads(characters[end], "}")) depth -= 1;
    if (depth === 0 || (depth === 1 && reads(characters[end], ","))) {
      parts.push(tokensOf(characters.slice(begin, end), begins));
      begin = end + 1;
    }
    if (depth > 0) continue;
    const toState = (next: GlobState): GlobState => GlobState.fork(parts.map((part) => stateOf(part, next)));
    return { end: end + 1, token: { toState } };
  }
  return undefined;
};
