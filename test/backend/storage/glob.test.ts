import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Glob } from "../../../backend/storage/glob.ts";

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
])("%s", (written, prefix, matching, others) => {
  const glob = Glob.parse(written);
  expect(glob?.prefix).toBe(prefix);
  expect(matching.filter((key) => glob?.matches(key) !== true)).toEqual([]);
  expect(others.filter((key) => glob?.matches(key) !== false)).toEqual([]);
});

test.each(["plain/key.txt", "a[b", "a{b", "a]b", "[]", "%2A%3f%5Ba%5D%7Bb%7D", "[%5D", "{a%7D", ""])(
  "%s is not a pattern",
  (written) => expect(Glob.parse(written)).toBeUndefined(),
);

test.each([
  ["%2A*", ["*", "*a"], ["a", "a*"]],
  ["*%2A", ["*", "a*"], ["a", "a/*"]],
  ["[a%2Dc]", ["a", "-", "c"], ["b"]],
  ["[%21a]", ["!", "a"], ["b"]],
  ["[%5D%5B]", ["[", "]"], ["x"]],
  ["[a%2Fc]", ["a", "c"], ["/"]],
  ["{a%2Cb,c%7D}", ["a,b", "c}"], ["a", "b", "c"]],
  ["%C3%A9?", ["\u00e9x"], ["\u00e9", "ex"]],
  ["%5Fx%2F*", ["_x/a"], ["_x/_a", "_x%2Fa"]],
])("an encoded character is taken literally: %s", (written, matching, others) => {
  const glob = Glob.parse(written);
  expect(matching.filter((key) => glob?.matches(key) !== true)).toEqual([]);
  expect(others.filter((key) => glob?.matches(key) !== false)).toEqual([]);
});

/**
 * Whether a pattern matches a key, by trying everything.
 * @param begins whether a component of the pattern begins here
 * @param before the part of the key before this
 */
const matchesNaively = (glob: string, key: string, begins = true, before = "/"): boolean => {
  if (glob === "") return key === "";
  const [first = ""] = key;
  const isHidden = before === "/" && /^[._]/.test(key);
  const skip = (count: number): boolean =>
    matchesNaively(glob.slice(count), key, glob[count - 1] === "/" || (count === 0 && begins), before);
  const take = (pattern: string): boolean =>
    first !== "" && matchesNaively(pattern, key.slice(1), pattern !== glob && glob.startsWith("/"), first);
  const stars = /^\*+/.exec(glob)?.[0] ?? "";
  if (begins && stars === "**" && glob[2] === "/") {
    const slash = key.indexOf("/");
    const goesOn = slash > 0 && !isHidden && matchesNaively(glob, key.slice(slash + 1));
    return goesOn || skip(3);
  }
  if (stars !== "") return !isHidden && (skip(stars.length) || ((stars !== "*" || first !== "/") && take(glob)));
  if (glob.startsWith("?")) return first !== "/" && !isHidden && take(glob.slice(1));
  const [set = "", not = "", members = ""] = /^\[([!^]?)([^\]]+)\]/.exec(glob) ?? [];
  if (set !== "") {
    const [, from = "", to = ""] = /^(.)-(.)$/.exec(members) ?? [];
    const isIn = from !== "" && from <= to ? from <= first && first <= to : members.includes(first);
    return first !== "/" && !isHidden && isIn !== (not !== "") && take(glob.slice(set.length));
  }
  const [group = "", parts = ""] = /^\{([^{}]*)\}/.exec(glob) ?? [];
  if (group !== "") {
    // What follows a group does not begin a component, whatever the group ends with.
    const after = `\0${glob.slice(group.length)}`;
    return parts.split(",").some((part) => matchesNaively(part + after, key, begins, before));
  }
  if (glob.startsWith("\0")) return skip(1);
  return glob.startsWith(first) && take(glob.slice(1));
};

test("patterns match what a naive matcher matches", () => {
  const piece = fc.constantFrom(
    "a",
    "b",
    "_",
    "/",
    "/",
    "*",
    "**",
    "**/",
    "?",
    "[ab]",
    "[!a]",
    "[a-_]",
    "[b-a]",
    "{a,b}",
    "{,*}",
    "{a/,?}",
    "{**/a,_}",
  );
  const patterns = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(""));
  const keys = fc.string({ unit: fc.constantFrom("a", "b", "_", "/", "/", "a"), maxLength: 8 });
  let matching = 0;
  fc.assert(
    fc.property(patterns, keys, (written, key) => {
      const expected = matchesNaively(written, key);
      if (expected) matching += 1;
      expect(Glob.parse(written)?.matches(key) ?? written === key).toBe(expected);
    }),
    { numRuns: 5000, seed: 3 },
  );
  expect(matching).toBeGreaterThan(200);
});

test("any text is a valid pattern, and its prefix is a prefix of every match", () => {
  const characters = fc.constantFrom(...Array.from("ab_./*?[]{},-!^\\\u00e9&~"));
  const words = fc.string({ unit: characters, maxLength: 12 });
  fc.assert(
    fc.property(words, words, (written, key) => {
      const glob = Glob.parse(written);
      if (glob?.matches(key) === true) expect(key.startsWith(glob.prefix)).toBe(true);
    }),
    { numRuns: 3000, seed: 7 },
  );
});

test.each([
  ["**/**/**/**/**/z", `${"a/".repeat(500)}b`],
  ["*a*a*a*a*a*a*z", "a".repeat(1000)],
  ["**a**a**a**a**a**z", "a/".repeat(500)],
  [`${"{a,b}*".repeat(60)}z`, "ab".repeat(500)],
  [`${"{a,".repeat(300)}*${"}".repeat(300)}z`, "a".repeat(1000)],
  [`${"*".repeat(4000)}z`, "a".repeat(1000)],
  ["{*,".repeat(1300), "a".repeat(1000)],
])("%.30s on a long key takes time proportional to both", (written, key) => {
  // With backtracking, this would not finish within the test's time limit.
  expect(Glob.parse(written)?.matches(key)).toBe(false);
});
