import { AttemptLog } from "../../../backend/runner/attempt-log.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { readConfig } from "../../../backend/runner/config.ts";
import { Runner } from "../../../backend/runner/runner.ts";
import { FakeWorker } from "../fake-worker.ts";
import { runnerJob } from "./runner-job.ts";

const job = runnerJob({ size: 1, hash: "00" });

const leaseSeconds = 0.6;

it("a runner whose lease expired before its welcome claims nothing until it has contact again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "edgefold-test-"));
  const worker = await FakeWorker.start();
  worker.answersPings = false;
  worker.answer = ({ kind, id: re }, from) => {
    if (kind !== "hello") {
      from.send({ re, kind: "next", next: { next: "stop", reason: "" } });
      return;
    }
    // As if the runner had been stopped in between.
    void sleep(1.5 * leaseSeconds * 1000).then(() =>
      from.send({ re, kind: "welcome", job, leaseSeconds, resume: false }),
    );
  };
  const config = readConfig({
    WORKER_URL: `http://127.0.0.1:${worker.port}`,
    RUNNER_ID: "r",
    WORK_DIR: folder,
    PROCESS_LEDGER: join(folder, "ledger"),
  });
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const runner = new Runner(config, { jobId: "j", token: "t" }, { run: vi.fn(), log: new AttemptLog() });
  const ran = runner.run();
  await vi.waitUntil(() => worker.received("hello").length > 0, { timeout: 20_000, interval: 5 });
  await sleep(2 * leaseSeconds * 1000);
  expect(worker.received("claim")).toEqual([]);
  worker.answersPings = true;
  await ran;
  expect(worker.received("claim")).toHaveLength(1);
  vi.restoreAllMocks();
  await worker.stop();
  rmSync(folder, { recursive: true });
});
