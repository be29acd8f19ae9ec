import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { generateTypes, typesFile } from "./types.ts";

test("the types of the SDK are those of the API; `npm run generate` writes them", async () => {
  expect(await readFile(typesFile, "utf8")).toBe(await generateTypes());
});
