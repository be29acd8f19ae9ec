import { parseArgs } from "node:util";
import { guards } from "./guards.ts";
import { hookModules } from "./modules.ts";

/**
 * Runs the schedules from `--from` (inclusive) to `--to` (exclusive), with one JSON line each on standard output; ends with the
 * first that fails.
 */
const { values } = parseArgs({
  options: {
    from: { type: "string" },
    to: { type: "string" },
    step: { type: "string" },
    trace: { type: "boolean" },
    without: { type: "string" },
  },
});
const guard = guards.find(({ name }) => name === values.without);
if (values.without !== undefined && guard === undefined) throw new Error(`there is no guard '${values.without}'`);
hookModules(guard);
await import("./platform.ts");
// Failures here are intended, and retried.
console.warn = () => undefined;
const { runSchedule } = await import("./schedule.ts");

// The first schedule in a process finds nothing cached, so it would differ from a run anywhere else.
await runSchedule(0, guard?.under ?? {}, false);
for (let seed = Number(values.from); seed < Number(values.to); seed += Number(values.step ?? 1)) {
  const outcome = await runSchedule(seed, guard?.under ?? {}, values.trace === true);
  console.log(JSON.stringify(outcome));
  if (outcome.faults.length > 0) break;
}
