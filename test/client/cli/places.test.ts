import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { inputAddress, outputAddress } from "../../../client/cli/request/places.ts";
import { parseProgram } from "../../../client/cli/request/programs.ts";
import { serverOf } from "../../../client/cli/server/server.ts";

const here = serverOf("http://localhost:4750", undefined, false);
const elsewhere = serverOf("https://edgefold.example.com/", undefined, false);

let folder: string;
const before = process.cwd();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "edgefold-places-"));
  process.chdir(folder);
  mkdirSync("logs 100%");
  writeFileSync("a#b.txt", "");
});
afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

it("an address stays what it is", () => {
  for (const server of [here, elsewhere]) {
    for (const address of ["s3://bucket/key/", "https://host/bucket/*.txt", "file:///data/in"]) {
      expect([inputAddress(server, address), outputAddress(server, address)]).toEqual([address, address]);
    }
  }
});

it("a path is the address of the file or folder, and a pattern one of a pattern", () => {
  expect(inputAddress(here, "logs 100%")).toBe(`file://${folder}/logs%20100%25/`);
  expect(inputAddress(here, "./a#b.txt")).toBe(`file://${folder}/a%23b.txt`);
  expect(inputAddress(here, "logs 100%/*.{gz,txt}")).toBe(`file://${folder}/logs 100%25/*.{gz,txt}`);
  expect(outputAddress(here, "out/")).toBe(`file://${folder}/out`);
});

it("a path that is not there, or not for the runners to read, is refused with the cure", () => {
  expect(() => inputAddress(here, "gone.txt")).toThrow("There is no gone.txt.");
  expect(() => inputAddress(elsewhere, "a#b.txt")).toThrow(/cannot read it/);
  expect(() => outputAddress(elsewhere, "out/")).toThrow(
    expect.objectContaining({ exitCode: 2, cures: [expect.stringContaining("edgefold cp")] }),
  );
});

it.each([
  ["grep.py", "grep.py", []],
  ["grep.py --ignore-case 'a b' \"c\"", "grep.py", ["--ignore-case", "a b", "c"]],
  ["a#b.txt", "a#b.txt", []],
])("the program of %s", (text, program, args) => expect(parseProgram(text)).toEqual({ program, args }));
