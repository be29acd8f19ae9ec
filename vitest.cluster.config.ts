import { defineConfig } from "vitest/config";
import { ClosingLine } from "./test/helpers/closing-line.ts";

/** `npm run test:cluster`: needs a cluster, so that it is not part of `npm test`. */
export default defineConfig({
  test: {
    reporters: ["default", new ClosingLine()],
    name: "cluster",
    include: ["test/cluster/**/*.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
});
