import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { Response } from "miniflare";
import { defineConfig } from "vitest/config";
import { localVariables } from "./backend/host/local-access.ts";

const databases = join(import.meta.dirname, "test/worker/databases");

/** Creates the folder that the variable NAME names. @throws Error where there is one: databases are never written again */
const createFolder = (): string => {
  const name = process.env["NAME"] ?? "";
  if (name === "") throw new Error(`NAME must be the name of a new folder in ${databases}`);
  const folder = join(databases, basename(name));
  mkdirSync(folder);
  return folder;
};

let folder: string | undefined;

/** `NAME=… npm run databases`: writes the databases of today's code. */
export default defineConfig({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: {
        bindings: { ...localVariables, LEASE_SECONDS: "30", JOB_RETENTION_DAYS: "30" },
        serviceBindings: {
          FILES: async (request) => {
            folder ??= createFolder();
            writeFileSync(join(folder, basename(new URL(request.url).pathname)), await request.text());
            return new Response();
          },
        },
      },
    }),
  ],
  test: { include: ["test/worker/databases/write.ts"], setupFiles: ["./test/worker/setup.ts"], testTimeout: 60_000 },
});
