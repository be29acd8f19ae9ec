import { readOptions, UsageError } from "./options.ts";
import { isGood, reportText } from "./report.ts";
import { runSuite } from "./suite.ts";

/** `npm run test:chaos`: runs jobs under faults, and checks that all is well afterwards. */

/** For the whole run, so that nothing hangs forever, in ms. */
const hardLimitMs = 20 * 60_000;

// An explicit exit cleans up what outlives the process: the runners' file system.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

try {
  const options = readOptions(process.argv.slice(2), process.env);
  const watchdog = setTimeout(() => {
    console.error(`seed ${options.seed}: the suite itself has not ended within ${hardLimitMs / 60_000} minutes`);
    process.exit(1);
  }, hardLimitMs);
  const report = await runSuite(options);
  clearTimeout(watchdog);
  console.log(`\n${reportText(report)}`);
  process.exit(isGood(report) ? 0 : 1);
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exit(1);
}
