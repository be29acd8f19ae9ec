import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { controlFolder } from "./hooked.ts";

/**
 * Loaded by `NODE_OPTIONS` into agents and runners and each of their threads: makes their wall clock wrong when told to. The
 * monotonic clock and timers are unaffected, as on a machine whose time is set.
 */
const folder = controlFolder(import.meta.url, "agent", "runner");
if (folder !== undefined) {
  const path = join(folder, `clock-${process.pid}`);
  const rightDate = Date;
  let wrongBy = 0;
  const now = (): number => rightDate.now() + wrongBy;
  globalThis.Date = new Proxy(rightDate, {
    construct: (_, given: readonly unknown[], target) =>
      // oxlint-disable-next-line typescript/no-unsafe-return -- a Date, whatever its arguments
      Reflect.construct(rightDate, given.length === 0 ? [now()] : given, target),
    get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
  });
  setInterval(() => {
    const before = wrongBy;
    wrongBy = wrongTime(path);
    if (isMainThread && wrongBy !== 0 && wrongBy !== before) writeFileSync(`${path}.seen`, "");
  }, 100).unref();
}

/** The offset to apply to the clock, in ms. */
function wrongTime(path: string): number {
  try {
    return Number(readFileSync(path, "utf8"));
  } catch {
    return 0;
  }
}
