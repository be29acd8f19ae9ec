import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { localVariables } from "./backend/host/local-access.ts";
import { ClosingLine } from "./test/helpers/closing-line.ts";

export default defineConfig({
  test: {
    reporters: ["default", new ClosingLine()],
    projects: [
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            // Whatever the developer's own .dev.vars say.
            miniflare: {
              bindings: {
                ...localVariables,
                API_TOKENS: "",
                CORS_ORIGINS: "",
                SECRET_KEY_PREVIOUS: "",
                LEASE_SECONDS: "30",
                JOB_RETENTION_DAYS: "30",
              },
            },
          }),
        ],
        test: {
          name: "worker",
          include: ["test/worker/**/*.test.ts"],
          setupFiles: ["./test/worker/setup.ts"],
          testTimeout: 30_000,
        },
      },
      {
        test: { name: "node", include: ["test/{shared,backend,simulation}/**/*.test.ts"], testTimeout: 30_000 },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Each of these files starts a whole system; two cores bear one at a time.
          fileParallelism: false,
        },
      },
    ],
  },
});
