import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, vi } from "vitest";
import type { AgentAnswer, AgentNotice, AgentRequest } from "../../../shared/protocol/agent.ts";
import type { Assignment } from "../../../shared/protocol/tasks.ts";
import { clusterOf } from "../../../worker/env.ts";
import { eventually } from "../eventually.ts";
import { claimed, complete, finish, taskOf, work, type JobFixture, type Runner } from "../job-fixture.ts";
import type { Peer } from "../peer.ts";
import type { StoredJob } from "../stored-databases.ts";

type World = {
  readonly job: JobFixture;
  readonly agent: Peer<AgentRequest, AgentAnswer, AgentNotice>;
};

/** The changes to the usual request, and what happens to the job before its database is written. */
type Situation = {
  readonly request?: Record<string, unknown>;
  readonly headers?: Record<string, string>;
  /** Whether the agent has removed the job from the cluster. */
  readonly isRemoved?: boolean;
  readonly drive?: (world: World) => Promise<void>;
};

const broken = { code: "ProgramFailed", message: "the program ended with exit code 1", final: false };

/** Reports an upload that an attempt has begun. */
const beginUpload = async (runner: Runner, { attempt }: Assignment, path: string): Promise<void> => {
  const uploadId = `upload-${attempt}`;
  expect(await runner.request({ kind: "upload", attempt, path, uploadId })).toMatchObject({ kind: "done" });
};

/** Moves the clock forward by `ms` milliseconds. */
export const pass = (ms: number): void => {
  vi.setSystemTime(Date.now() + ms);
};

/** The longest time before an object reports a change to others, in ms. */
const telling = 5000;

/** Waits until all messages to and from a job are delivered. */
export const told = async (job: JobFixture): Promise<void> => {
  pass(telling);
  for (const object of [clusterOf(env, "default"), job.stub]) {
    await runDurableObjectAlarm(object);
    await eventually(async () => {
      const marked = await runInDurableObject(object, (_, { storage }) =>
        storage.sql.exec("SELECT target FROM outbox WHERE due IS NOT NULL").toArray(),
      );
      expect(marked).toEqual([]);
    });
  }
};

/** Runs a job to its end. */
const finishJob = async (runner: Runner): Promise<void> => {
  await work(runner);
  await runner.closed;
};

export const situations: Record<StoredJob, Situation> = {
  leaving: {
    isRemoved: true,
    drive: async ({ job }) => void (await job.stub.stop()),
  },
  completed: {
    request: { combinerName: "combiner" },
    drive: async ({ job }) => {
      const runner = await job.runner("runner-c");
      await job.planned(runner, [150, 50]);
      pass(1000);
      await finishJob(runner);
    },
  },
  failed: {
    request: { mapperName: "replaced" },
    isRemoved: true,
    drive: async ({ job }) => {
      const runner = await job.runner("runner-f");
      const { attempt } = await job.planned(runner);
      pass(1000);
      finish(runner, taskOf(await runner.request({ kind: "fail", attempt, error: { ...broken, final: true } })));
      await runner.closed;
    },
  },
  stopped: {
    drive: async ({ job }) => {
      const runner = await job.runner("runner-s");
      await beginUpload(runner, await job.planned(runner), `http://store/out/.edgefold/${job.id}/m-0`);
      pass(1000);
      await job.stub.stop();
    },
  },
  committing: {
    request: { nReducers: 0, reducerName: undefined },
    drive: async ({ job }) => {
      const runner = await job.runner("runner-w");
      let task = await job.planned(runner);
      while (task.kind === "map") {
        const path = `http://store/out/part-m-0000${task.index}`;
        await beginUpload(runner, task, path);
        const output = { path, uploadId: `upload-${task.attempt}`, tags: ["a", "b"], size: 7 };
        pass(500);
        task = taskOf(await complete(runner, task, { kind: "output", output }));
      }
    },
  },
  reducing: {
    drive: async ({ job }) => {
      const runner = await job.runner("runner-r");
      const first = await job.mapped(runner);
      await beginUpload(runner, first, "http://store/out/part-0");
      pass(2000);
      await beginUpload(runner, taskOf(await complete(runner, first)), "http://store/out/part-1");
    },
  },
  mapping: {
    request: { maxFailedMapsPercent: 50, maxAttempts: 2 },
    headers: { "Idempotency-Key": "nightly" },
    drive: async ({ job, agent }) => {
      const runner = await job.runner("runner-1");
      const fails = async ({ attempt }: Assignment): Promise<Assignment> =>
        taskOf(await runner.request({ kind: "fail", attempt, error: broken }));
      const m0 = await job.planned(runner, [100, 100, 100, 100, 50]);
      await beginUpload(runner, m0, `http://store/out/.edgefold/${job.id}/m-0`);
      pass(2000);
      const { attempt } = await fails(taskOf(await complete(runner, m0)));
      // Released, so that the failed map is retried.
      await runner.request({ kind: "release", attempt, reason: "the runner ends" });
      pass(1000);
      await fails(await fails(await claimed(runner)));
      await runner.close();
      const exited = { jobId: job.id, runnerId: "runner-1", reason: "its pod was evicted", failure: null };
      await agent.request({ kind: "exited", ...exited });
      const open = "SELECT id FROM attempt WHERE runner = 'runner-1' AND status IN ('live', 'revoked')";
      await eventually(async () => expect(await job.query(open)).toEqual([]));
      const second = await job.runner("runner-2");
      pass(100);
      const m3 = await claimed(second);
      expect(m3).toMatchObject({ kind: "map", index: 3 });
      const counters = { builtin: { mapInputRecords: 3 }, user: { group: { counter: 1 } } };
      await second.request({ kind: "progress", attempt: m3.attempt, counters, status: "half way" });
      const conditions = [{ type: "Unschedulable", message: "0/3 nodes are available: 3 Insufficient memory." }];
      await agent.request({ kind: "conditions", jobId: job.id, conditions });
    },
  },
  planning: {
    drive: async ({ job }) => {
      const runner = await job.runner("runner-p");
      const { attempt } = await claimed(runner);
      const objects = [150, 0].map((size, i) => ({ path: `http://store/input/${i}`, size, etag: `"${i}"` }));
      await runner.request({ kind: "planned", attempt, page: 0, objects });
    },
  },
  pending: { request: { mapperName: "replaced", deadlineSeconds: 360_000, parallelism: 4 } },
};
