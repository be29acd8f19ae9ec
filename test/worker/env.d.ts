import type { Env as WorkerEnv } from "../../worker/env.ts";

declare global {
  namespace Cloudflare {
    /** What `env` of `cloudflare:test` holds: the bindings of `wrangler.toml`. */
    interface Env extends WorkerEnv {}
  }
}
