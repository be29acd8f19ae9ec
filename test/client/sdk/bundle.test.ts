import { build } from "esbuild";
import { expect, test } from "vitest";

test("the SDK is small including its dependencies, and needs no Node module", async () => {
  const { outputFiles, warnings } = await build({
    entryPoints: ["client/sdk/index.ts"],
    bundle: true,
    format: "esm",
    minify: true,
    platform: "browser",
    write: false,
  });
  expect(warnings).toEqual([]);
  expect(outputFiles.map(({ contents }) => contents.length)[0]).toBeLessThan(20_000);
});
