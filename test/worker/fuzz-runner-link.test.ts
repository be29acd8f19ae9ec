import * as fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { closeCodes } from "../../shared/protocol/connection.ts";
import { protocolVersion } from "../../shared/protocol/versions.ts";
import { RunnerRequestSchema } from "../../shared/protocol/runner.ts";
import { isEnded } from "../../shared/status.ts";
import { closeLinks, RawLink } from "./fuzz/raw-link.ts";
import { nearlyValid, valid } from "./fuzz/schemas.ts";
import { allRunsMs, asObject, currentAttempt, oddFrames, runs, sendAll, stepsOf, type Step } from "./fuzz/steps.ts";
import { finish, instanceOf } from "./fuzz/survivors.ts";
import { JobFixture } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

/** Every message on a runner's link is answered, or the link is closed. The object survives, and the job still ends. */

afterEach(async () => {
  await closeLinks();
  await hangUp();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const hello = (runnerId: string) => ({
  kind: "hello",
  version: protocolVersion,
  runnerId,
  podName: "pod",
  attempt: null,
});

/** The link of a runner after its hello. It is closed if the job is over. */
const runnerLink = async (job: JobFixture, runnerId: string): Promise<RawLink> => {
  const link = await RawLink.dial(job.stub);
  await link.ask(hello(runnerId), 1);
  return link;
};

/** Messages of a runner. Those about an attempt refer to one of these. */
const runnerMessages = (attempts: fc.Arbitrary<string>): fc.Arbitrary<object> =>
  fc.tuple(valid(RunnerRequestSchema), attempts).map(([message, attempt]) => {
    const base = asObject(message);
    return "attempt" in base && base.attempt !== null ? { ...base, attempt } : base;
  });

/** Ids of attempts that do not exist. */
const unknownAttempts = fc.oneof(
  fc.constantFrom("m-0-1", "01890000-0000-7000-8000-000000000001-m-0-1", "__proto__", "x".repeat(200)),
  fc.string({ unit: "binary", minLength: 1, maxLength: 200 }),
);

/** Attempts of a job's tasks, without the job's id. */
const ownAttempts = fc.oneof(
  { weight: 5, arbitrary: fc.constant(currentAttempt) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("p-0-1", "m-0-1", "m-0-2", "m-1-1", "r-0-1", "r-1-1", "c-0-1", "s-0-1", "x-0-1"),
  },
);

/** Steps that complete this many tasks, and claim the next one. */
const worked = (tasks: number): Step[] =>
  Array.from({ length: tasks + 1 }, (_, index) => ({ kind: "claim", work: index < tasks }));

/** The message, with its attempt prefixed by the job's id. */
const ofJob = (jobId: string, message: object): object =>
  "attempt" in message && typeof message.attempt === "string" && message.attempt !== currentAttempt
    ? { ...message, attempt: `${jobId}-${message.attempt}` }
    : message;

const isRequest = (frame: string | Uint8Array): boolean => {
  try {
    return typeof frame === "string" && RunnerRequestSchema.safeParse(JSON.parse(frame)).success;
  } catch {
    return false;
  }
};

describe("a runner's link", () => {
  it(
    "handles anything about unknown attempts; the job still completes",
    async () => {
      const steps = stepsOf(runnerMessages(unknownAttempts), nearlyValid(RunnerRequestSchema));
      await fc.assert(
        fc.asyncProperty(steps, async (sent) => {
          const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
          const job = await JobFixture.create();
          const runner = await job.runner("good");
          await job.planned(runner);
          const instance = await instanceOf(job);
          await sendAll(async () => await runnerLink(job, "odd"), sent);
          await closeLinks();
          expect(await instanceOf(job)).toBe(instance);
          await finish(job, runner);
          expect((await job.describe()).status).toBe("completed");
          expect(logged.mock.calls).toEqual([]);
          await runner.close();
        }),
        runs(15),
      );
    },
    allRunsMs,
  );

  it(
    "handles anything about the job's own attempts; the job still ends",
    async () => {
      const begun = fc.integer({ min: 0, max: 4 }).map(worked);
      const odd = stepsOf(runnerMessages(ownAttempts), nearlyValid(RunnerRequestSchema), 4);
      const steps = fc.tuple(begun, odd).map((parts) => parts.flat());
      const kinds = new Set<unknown>();
      await fc.assert(
        fc.asyncProperty(steps, async (sent) => {
          vi.spyOn(console, "error").mockImplementation(() => undefined);
          const job = await JobFixture.create();
          const instance = await instanceOf(job);
          const answers = await sendAll(
            async () => await runnerLink(job, "odd"),
            sent.map((step) => (step.kind === "message" ? { ...step, message: ofJob(job.id, step.message) } : step)),
          );
          for (const kind of answers) kinds.add(kind);
          await closeLinks();
          expect(await instanceOf(job)).toBe(instance);
          const runner = await job.dial();
          // If the job has ended and is cleaned up, the link is closed.
          const isOver = await Promise.race([
            job.hello(runner, "good").then(() => false),
            runner.closed.then(() => true),
          ]);
          if (!isOver) await finish(job, runner);
          const { status } = await job.describe();
          expect(isEnded(status)).toBe(true);
          await runner.close();
        }),
        runs(20),
      );
      // The messages reached real attempts.
      expect([...kinds]).toEqual(expect.arrayContaining(["next", "done", "fenced"]));
    },
    allRunsMs,
  );

  it(
    "is closed on an invalid message",
    async () => {
      const job = await JobFixture.create();
      const frames = oddFrames.filter((frame) => frame !== "ping" && !isRequest(frame));
      await fc.assert(
        fc.asyncProperty(frames, async (frame) => {
          const link = await runnerLink(job, "odd");
          link.send(frame);
          expect(await link.closed).toBe(closeCodes.malformed);
        }),
        runs(30),
      );
    },
    allRunsMs,
  );
});
