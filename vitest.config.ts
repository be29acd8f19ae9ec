import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { localVariables } from "./backend/host/local-access.ts";
import { ClosingLine } from "./test/helpers/closing-line.ts";
import { LongestFirst } from "./test/helpers/longest-first.ts";

/** Tests of whole systems that wait for most of their time: they run beside those that do not. */
const waiting = ["kubernetes*", "restarts-leases", "cli", "console", "package"].map(
  (name) => `test/e2e/${name}.test.ts`,
);
/** Tests that keep all cores busy, or look at all processes of the machine. */
const alone = ["busy-machine", "chaos", "strays"].map((name) => `test/e2e/${name}.test.ts`);
const wholeSystems = { testTimeout: 120_000, hookTimeout: 120_000 };
/** On a busy machine, what takes a moment can take seconds. */
const patient = { expect: { poll: { timeout: 20_000 } } };
const besideEachOther = { maxWorkers: availableParallelism() + 2, sequence: { groupOrder: 0 } };

export default defineConfig({
  test: {
    reporters: ["default", new ClosingLine()],
    sequence: { sequencer: LongestFirst },
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
          ...besideEachOther,
          ...patient,
          name: "worker",
          // Files share a workerd: starting one takes as long as the tests of two files. `setup.ts` empties it after each.
          isolate: false,
          include: ["test/worker/**/*.test.ts"],
          setupFiles: ["./test/worker/setup.ts"],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          ...besideEachOther,
          ...patient,
          name: "node",
          include: ["test/{shared,backend,client,simulation}/**/*.test.ts"],
          testTimeout: 30_000,
        },
      },
      {
        test: { ...besideEachOther, ...wholeSystems, ...patient, name: "waiting", include: waiting },
      },
      {
        test: {
          ...wholeSystems,
          ...patient,
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          exclude: [...waiting, ...alone],
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...wholeSystems,
          ...patient,
          name: "alone",
          include: alone,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
