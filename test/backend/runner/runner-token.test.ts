import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readConfig } from "../../../backend/runner/config.ts";
import { ContentCache } from "../../../backend/runner/content-cache.ts";
import { RunnerToken } from "../../../backend/runner/runner-token.ts";
import { Runner } from "../../../backend/runner/runner.ts";
import { TaskThread } from "../../../backend/runner/thread/task-thread.ts";
import { FakeWorker } from "../fake-worker.ts";
import { mapperRef, runnerJob, threadCode } from "./runner-job.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "edgefold-test-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const content = "a program";
const mapper = mapperRef({ size: content.length, hash: createHash("sha256").update(content).digest("hex") });
const job = runnerJob(mapper);

it("the newest token is used while it is valid, then the first one", () => {
  let now = 1000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const token = new RunnerToken("first");
  expect(token.current).toBe("first");
  token.renew({ token: "second", seconds: 60 });
  token.renew({ token: "third", seconds: 10 });
  expect(token.current).toBe("third");
  now += 9_999;
  expect(token.current).toBe("third");
  now += 1;
  expect(token.current).toBe("first");
});

it("contents are fetched with the newest token, once each", async () => {
  const asked: (string | undefined)[][] = [];
  const server = createServer((request, response) => {
    asked.push([request.headers.authorization, request.url]);
    response.end(content);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  try {
    const token = new RunnerToken("first");
    const cache = new ContentCache({ folder, workerUrl: `http://127.0.0.1:${port}`, jobId: "j", token });
    token.renew({ token: "second", seconds: 60 });
    const [path, other] = await Promise.all([cache.get({ ...mapper, name: "other", type: "file" }), cache.get(mapper)]);
    expect(readFileSync(path, "utf8")).toBe(content);
    expect(other).toBe(path);
    expect(statSync(path).mode & 0o777).toBe(0o555);
    expect(asked).toEqual([["Bearer second", `/api/v1/jobs/j/contents/${mapper.hash}`]]);
    await expect(cache.get({ ...mapper, hash: "00" })).rejects.toThrow(
      "the executable mapper could not be fetched: Error: the content does not have the hash",
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

describe("a runner reconnects", () => {
  it("with the newest token of its link, from a welcome or another answer", async () => {
    const worker = await FakeWorker.start();
    // The message with which each connection gets a token; each is cut after its first claim.
    const given = ["welcome", "nothing", "next", "nothing"];
    worker.answer = ({ kind, id: re }, from) => {
      const dials = worker.connections.length;
      const session = (by: string) => (given[dials - 1] === by ? { session: { token: `by-${by}`, seconds: 60 } } : {});
      if (kind === "hello") {
        from.send({ re, kind: "welcome", job, leaseSeconds: 30, resume: false, ...session("welcome") });
        from.send({ kind: "wake" });
        return;
      }
      const next = dials < given.length ? { next: "idle" } : { next: "stop", reason: "" };
      from.send({ re, kind: "next", next, ...session("next") });
      if (dials < given.length) from.socket.close(1012);
    };
    const config = readConfig({
      WORKER_URL: `http://127.0.0.1:${worker.port}`,
      RUNNER_ID: "r",
      WORK_DIR: folder,
      PROCESS_LEDGER: join(folder, "ledger"),
    });
    const thread = new TaskThread(config, threadCode);
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const runner = new Runner(config, { jobId: "j", token: "first" }, thread);
    await runner.run();
    expect(worker.connections.map(({ authorization }) => authorization)).toEqual([
      "Bearer first",
      "Bearer by-welcome",
      "Bearer by-welcome",
      "Bearer by-next",
    ]);
    await worker.stop();
  });
});
