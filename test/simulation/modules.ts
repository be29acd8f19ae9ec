import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import type { Guard } from "./guards.ts";

const workers = `data:text/javascript,${encodeURIComponent(
  "export class DurableObject { constructor(ctx, env) { this.ctx = ctx; this.env = env; } }",
)}`;

/**
 * Has Node load the Worker's modules: the runtime's own one is replaced, and where a guard is named, its text.
 *
 * @throws where the guard's text is not there exactly once, as it has changed
 */
export const hookModules = (guard: Guard | undefined): void => {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "cloudflare:workers" ? { url: workers, shortCircuit: true } : next(specifier, context),
    load: (url, context, next) => {
      const loaded = next(url, context);
      if (guard === undefined || !url.endsWith(guard.file)) return loaded;
      const parts = readFileSync(fileURLToPath(url), "utf8").split(guard.text);
      if (parts.length !== 2) throw new Error(`${guard.file} holds the guard's text ${parts.length - 1} times`);
      return { ...loaded, source: parts.join(guard.without) };
    },
  });
};
