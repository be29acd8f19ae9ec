import { expect, test } from "vitest";
import { isGood, reportText } from "../chaos/report.ts";
import { runSuite } from "../chaos/suite.ts";

/* The short form of `npm run test:chaos`. */

test("jobs with injected faults produce the right output, and leave nothing behind", { timeout: 400_000 }, async () => {
  const report = await runSuite({
    seed: Number(process.env["CHAOS_SEED"] ?? 20261124),
    minimum: { jobs: 8, faults: 25 },
    shuffles: ["store"],
    // Far more than necessary.
    limitSeconds: 240,
    together: 8,
    meanPauseMs: 500,
    s3: process.env["CHAOS_S3"],
    say: () => undefined,
  });
  console.log(reportText(report));
  expect(isGood(report), reportText(report)).toBe(true);
});
