declare namespace Cloudflare {
  /** What `env` of `cloudflare:test` holds: the bindings of `wrangler.toml`. */
  interface Env extends WorkerEnv {}
}

type WorkerEnv = import("../../worker/env.ts").Env;
