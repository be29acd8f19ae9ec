import * as fc from "fast-check";
import { parseArgs } from "node:util";
import { properties } from "./properties.ts";

/**
 * `npm run test:kernel -- [--minutes N] [--seed N]`: compares the kernel with its model for some minutes, with other records each
 * time. A failure is printed with its seed and the smallest records that show it, and ends the process with code 1.
 */

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "5" }, seed: { type: "string", default: String(Date.now() % 1e9) } },
});
const end = Date.now() + Number(values.minutes) * 60_000;
const runs = 100;
let seed = Number(values.seed);
let tried = 0;
console.log(`seed ${seed}, ${values.minutes} minutes`);
for (; Date.now() < end; seed++) {
  for (const [name, property] of properties) {
    const { failed, counterexample, errorInstance } = await fc.check(property, { numRuns: runs, seed });
    if (failed) {
      console.error(`seed ${seed}: ${name}\n${fc.stringify(counterexample)}\n${String(errorInstance)}`);
      process.exit(1);
    }
    tried += runs;
  }
}
console.log(`${tried} cases without a difference, up to seed ${seed - 1}`);
