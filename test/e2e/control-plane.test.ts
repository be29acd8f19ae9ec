import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Agent } from "../../backend/agent/agent.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { allCompleted, artifactAndContent, contentsInR2, postJobs, uploadAtOnce } from "../helpers/loads.ts";
import { noopJob, startNoopAgent } from "../helpers/noop/noop-agent.ts";
import { storedJobObjects, withRegistry } from "../helpers/object-files.ts";
import { until } from "../helpers/until.ts";

/*
 * The loads that `npm run bench -- --only control-plane` measures, but smaller: here only correctness counts, not time. The
 * agent and its runners are real, but their tasks do nothing.
 */

let edgefold: Edgefold;
let agent: Agent | undefined;

beforeAll(async () => {
  edgefold = await Edgefold.start({ withoutAgent: true });
  await edgefold.upload("noop", "#!is never run");
});

afterEach(async () => {
  await agent?.stop();
  agent = undefined;
});

afterAll(async () => {
  await edgefold?.stop();
});

describe("the control plane", () => {
  it("runs a job with 2,000 maps, each exactly once", async () => {
    agent = await startNoopAgent(edgefold, 8);
    const job = await edgefold.completed(
      // On a busy machine, any task can look like a straggler.
      (await edgefold.post({ ...noopJob(edgefold, 2000, 3), speculation: false })).id,
    );
    expect(job.progress).toEqual({
      maps: { total: 2000, running: 0, completed: 2000, failed: 0 },
      reduces: { total: 3, running: 0, completed: 3, failed: 0 },
    });
    expect(job.counters.builtin.mapInputRecords).toBe(2003);
    const tasks = await edgefold.tasks(job.id);
    expect(tasks.length).toBe(2003);
    expect(new Set(tasks.map(({ status }) => status))).toEqual(new Set(["completed"]));
    // With fewer reduces than runners, a runner that is no longer needed can release a reduce.
    const maps = tasks.filter(({ type }) => type === "mapper");
    expect(new Set(maps.map(({ attempt }) => attempt))).toEqual(new Set([1]));
  });

  it("runs 60 jobs that were submitted at once without an agent, once it connects", async () => {
    const posted = await postJobs(edgefold, 60, noopJob(edgefold, 3, 1), "at once");
    expect(new Set(posted.ids).size).toBe(60);
    const waiting = await edgefold.job(posted.ids[0] ?? "");
    expect([waiting.status, waiting.conditions.map(({ type }) => type)]).toEqual(["pending", ["NoAgent"]]);
    agent = await startNoopAgent(edgefold, 2);
    await allCompleted(edgefold, posted.ids);
    await until("the list saying so", async () => {
      const listed = await edgefold.listJobs();
      return posted.ids.every((id) => listed.find((job) => job.id === id)?.status === "completed") || undefined;
    });
  });

  it("keeps exactly one content when a name is uploaded many times at once", async () => {
    const before = contentsInR2(edgefold).length;
    const contents = Array.from({ length: 40 }, (_, n) => `#!${n}\n`.padEnd(100_000, "."));
    const answers = await uploadAtOnce(edgefold, "contended", contents);
    expect(answers.map(({ hash }) => hash)).toEqual(
      contents.map((content) => createHash("sha256").update(content).digest("hex")),
    );
    const [{ hash }, content] = await artifactAndContent(edgefold, "contended");
    expect(contents).toContain(content);
    expect(hash).toBe(createHash("sha256").update(content).digest("hex"));
    await until("the end of the other contents", () => contentsInR2(edgefold).length === before + 1 || undefined);
  });

  it("removes jobs that ended long ago by its own alarms, and leaves nothing behind", async () => {
    const { id } = await edgefold.post(noopJob(edgefold, 1, 1));
    await edgefold.worker?.stop();
    expect(storedJobObjects(edgefold)).toBe(62);
    const long = 30 * 24 * 60 * 60 * 1000;
    withRegistry(edgefold, (database) =>
      database.exec(
        `UPDATE job SET snapshot = json_set(snapshot, '$.endTime', (snapshot ->> '$.endTime') - ${long}) WHERE ended = 1`,
      ),
    );
    await edgefold.startWorker();
    await until("the removal", async () => {
      const listed = await edgefold.listJobs();
      return (listed.length === 1 && listed[0]?.id === id) || undefined;
    });
    // Once they are off the list, the objects are erased, even if the Worker is stopped in the middle of it.
    await until("the end of their objects", async () => {
      await edgefold.worker?.stop();
      const leaving = withRegistry(edgefold, (database) => database.prepare("SELECT * FROM leaving").all());
      const stored = storedJobObjects(edgefold);
      await edgefold.startWorker();
      return (leaving.length === 0 && stored === 1) || undefined;
    });
    expect((await edgefold.job(id)).status).toBe("pending");
  });
});
