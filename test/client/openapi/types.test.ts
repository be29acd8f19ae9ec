import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { generateTypes, typesFile } from "./types.ts";

test("the SDK's API types are up to date; run `npm run generate` to rewrite them", async () => {
  expect(await readFile(typesFile, "utf8")).toBe(await generateTypes());
});
