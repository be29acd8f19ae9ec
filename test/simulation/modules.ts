import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import type { Guard } from "./guards.ts";
import { sizes } from "./sizes.ts";

type Change = Pick<Guard, "file" | "text" | "without">;

const workers = `data:text/javascript,${encodeURIComponent(
  "export class DurableObject { constructor(ctx, env) { this.ctx = ctx; this.env = env; } }",
)}`;

/** Makes waits in the agent's code use virtual time. */
const timers = `data:text/javascript,${encodeURIComponent("export const setTimeout = (ms) => globalThis.sleepVirtually(ms);")}`;

/**
 * Replaces a text in a source file.
 *
 * @throws Error if the text does not occur exactly once, since the file has changed
 */
const applyTo = (source: string, { file, text, without }: Change): string => {
  const parts = source.split(text);
  if (parts.length !== 2) throw new Error(`${file} holds '${text}' ${parts.length - 1} times`);
  return parts.join(without);
};

/** Makes Node load the Worker's modules: replaces the runtime's own module, page sizes and, if one is given, a guard's text. */
export const hookModules = (guard: Guard | undefined): void => {
  registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === "cloudflare:workers") return { url: workers, shortCircuit: true };
      const isAgents = context.parentURL?.endsWith("backend/agent/reports.ts") ?? false;
      if (isAgents && specifier === "node:timers/promises") return { url: timers, shortCircuit: true };
      return next(specifier, context);
    },
    load: (url, context, next) => {
      const loaded = next(url, context);
      const changes = [...sizes, ...(guard === undefined ? [] : [guard])].filter(({ file }) => url.endsWith(file));
      if (changes.length === 0) return loaded;
      return { ...loaded, source: changes.reduce(applyTo, readFileSync(fileURLToPath(url), "utf8")) };
    },
  });
};
