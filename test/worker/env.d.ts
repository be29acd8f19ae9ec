import type { Env as WorkerEnv } from "../../worker/env.ts";

declare global {
  interface ImportMeta {
    /** Vite's: the contents of all files of a pattern, by their paths from this module. */
    glob(pattern: string, options: { query: "?raw"; import: "default"; eager: true }): Record<string, unknown>;
  }

  namespace Cloudflare {
    /** What `env` of `cloudflare:test` holds: the bindings of `wrangler.toml`. */
    interface Env extends WorkerEnv {}
  }
}
