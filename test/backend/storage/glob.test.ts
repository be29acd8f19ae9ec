import * as fc from "fast-check";
import { expect, test } from "vitest";
import { globToRegExp, isGlob, literalPrefix } from "../../../backend/storage/glob.ts";

test.each([
  ["a/*.txt", "a/", ["a/b.txt", "a/b._.txt"], ["a/b/c.txt", "a/.txt", "a/_b.txt", "a/b.txt2", "xa/b.txt"]],
  ["a/x*", "a/x", ["a/x", "a/x_y.z"], ["a/xy/z"]],
  ["a/?", "a/", ["a/b", "a/\u{1F600}"], ["a/", "a/bc", "a//", "a/_", "a/."]],
  ["a/_?", "a/_", ["a/_b"], ["a/_"]],
  ["a/**/z", "a/", ["a/z", "a/b/z", "a/b/c/z"], ["a/.b/z", "a/b/_c/z", "az", "a/b/z/z2"]],
  ["a/**", "a/", ["a/b", "a/b/c.d"], ["a/.b", "a/b/_c", "b/a"]],
  ["a**z", "a", ["az", "abz", "ab/cz", "a/b/c/z"], ["a/_b/z"]],
  ["[a-c]x", "", ["ax", "cx"], ["dx", "-x", "x"]],
  ["[!a-c]x", "", ["dx", "-x"], ["ax", "/x", "_x"]],
  ["q/a[*]", "q/a", ["q/a*"], ["q/ab"]],
  ["a[c-a]", "a", ["ac", "aa", "a-"], ["ab"]],
  [String.raw`a[\d]`, "a", ["a\\", "ad"], ["a1"]],
  ["x/{a,b*,c/{d,e}}.gz", "x/", ["x/a.gz", "x/bbb.gz", "x/c/d.gz", "x/c/e.gz"], ["x/c.gz", "x/aa.gz"]],
  ["x/{_a,*}", "x/", ["x/_a", "x/b"], ["x/_b"]],
  ["a.b+c(d)|$^*", "a.b+c(d)|$^", ["a.b+c(d)|$^", "a.b+c(d)|$^1"], ["axb+c(d)|$^"]],
])("%s", (glob, prefix, matching, others) => {
  expect(isGlob(glob)).toBe(true);
  expect(literalPrefix(glob)).toBe(prefix);
  const regExp = globToRegExp(glob);
  expect(matching.filter((key) => !regExp.test(key))).toEqual([]);
  expect(others.filter((key) => regExp.test(key))).toEqual([]);
});

test.each(["plain/key.txt", "a[b", "a{b", "a]b", "[]"])("%s is no pattern and matches itself", (key) => {
  expect(isGlob(key)).toBe(false);
  expect(globToRegExp(key).test(key)).toBe(true);
});

test("any text is a valid pattern, and its literal prefix begins every match", () => {
  const characters = fc.constantFrom(
    "a",
    "b",
    "_",
    ".",
    "/",
    "*",
    "?",
    "[",
    "]",
    "{",
    "}",
    ",",
    "-",
    "!",
    "^",
    "\\",
    "é",
    "&",
    "~",
  );
  const words = fc.string({ unit: characters, maxLength: 12 });
  fc.assert(
    fc.property(words, words, (glob, key) => {
      if (globToRegExp(glob).test(key)) expect(key.startsWith(literalPrefix(glob))).toBe(true);
    }),
    { numRuns: 3000, seed: 7 },
  );
});
