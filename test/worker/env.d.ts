import type { Env as WorkerEnv } from "../../worker/env.ts";

declare global {
  interface ImportMeta {
    /** Provided by Vite: the contents of all files that match a pattern, by path relative to this module. */
    glob(pattern: string, options: { query: "?raw"; import: "default"; eager: true }): Record<string, unknown>;
  }

  namespace Cloudflare {
    /** The type of `env` in `cloudflare:test`: the bindings of `wrangler.toml`. */
    interface Env extends WorkerEnv {}
  }
}
