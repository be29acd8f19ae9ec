import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { readConfig } from "../../../backend/runner/config.ts";
import { InputAhead } from "../../../backend/runner/input/input-ahead.ts";
import { NamedPipes } from "../../../backend/runner/programs/named-pipes.ts";
import { SegmentsAhead } from "../../../backend/runner/tasks/segments-ahead.ts";
import { rehearse } from "../../../backend/runner/thread/rehearsal.ts";
import { S3Sessions } from "../../../backend/storage/s3-sessions.ts";

const folder = mkdtempSync(join(tmpdir(), "edgefold-test-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a rehearsal performs all tasks of a job, and leaves nothing behind", async () => {
  const config = readConfig({
    WORKER_URL: "http://127.0.0.1:1",
    RUNNER_ID: "r",
    WORK_DIR: folder,
    PROCESS_LEDGER: join(folder, "ledger"),
  });
  const sessions = new S3Sessions({ ambient: undefined, endpoints: { allowed: undefined, loopback: false } });
  const reports = await rehearse(config, {
    sessions,
    pipes: new NamedPipes(folder),
    ahead: { input: new InputAhead(), segments: new SegmentsAhead(folder) },
  });
  expect(reports).toMatchObject([
    { kind: "complete", result: { kind: "plan" } },
    { kind: "complete", counters: { builtin: { mapInputRecords: 2, mapOutputRecords: 14 } } },
    { kind: "complete", counters: { builtin: { reduceInputRecords: 14, outputRecords: 11 } } },
    { kind: "complete", result: { kind: "done", lost: [] } },
    { kind: "complete", result: { kind: "done", lost: [] } },
  ]);
  expect(readdirSync(folder).filter((name) => name.startsWith("rehearsal"))).toEqual([]);
});
