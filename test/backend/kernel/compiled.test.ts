import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compileKernel, kernelFile } from "../../../backend/deploy/compile-kernel.ts";

test("the committed kernel is what its source compiles to", async () => {
  const compiled = await compileKernel();
  expect(compiled.length).toBeGreaterThan(1000);
  expect(Buffer.compare(compiled, readFileSync(kernelFile)), "run `npm run kernel` after changes").toBe(0);
});
