import * as fc from "fast-check";
import { noCounters } from "../../../shared/counters.ts";
import { RunnerAnswerSchema } from "../../../shared/protocol/runner.ts";
import type { Assignment } from "../../../shared/protocol/tasks.ts";
import { resultOf } from "../job-fixture.ts";
import type { RawLink } from "./raw-link.ts";
import { text } from "./values.ts";

export const oddFrames: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  text,
  fc.json(),
  fc.uint8Array({ maxLength: 100 }),
  fc.constantFrom(
    "ping",
    "pong",
    "null",
    "[]",
    '{"kind":"hello"}',
    '{"kind":"claim","id":-1}',
    '{"kind":"claim","id":1e400}',
    '{"__proto__":{"kind":"claim"},"id":1}',
    "[".repeat(100_000),
    `{"kind":"claim","id":1,"x":"${"y".repeat(2 ** 21)}"}`,
  ),
);

/** One step of a test over a link. */
export type Step =
  | { readonly kind: "frame"; readonly frame: string | Uint8Array }
  | { readonly kind: "message"; readonly message: object }
  /** A runner claims a task, and completes it if `work` is true. */
  | { readonly kind: "claim"; readonly work: boolean };

export const asObject = (value: unknown): object => (typeof value === "object" && value !== null ? value : {});

/** @param claims the weight of claims; all other steps together weigh ten */
export const stepsOf = (
  messages: fc.Arbitrary<object>,
  nearly: fc.Arbitrary<unknown>,
  claims = 0,
): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      { weight: 7, arbitrary: messages.map((message): Step => ({ kind: "message", message })) },
      { weight: 2, arbitrary: nearly.map((value): Step => ({ kind: "frame", frame: JSON.stringify(value) })) },
      { weight: 1, arbitrary: oddFrames.map((frame): Step => ({ kind: "frame", frame })) },
      { weight: claims, arbitrary: fc.boolean().map((work): Step => ({ kind: "claim", work })) },
    ),
    { minLength: 5, maxLength: 25, size: "max" },
  );

/** Placeholder in messages for the attempt that was handed out last. */
export const currentAttempt = "the current one";

/**
 * Sends all steps, reconnecting whenever the link is closed. Fails if a message gets no answer.
 * @returns the kinds of the answers to messages; undefined for a message on which the link was closed
 */
export const sendAll = async (dial: () => Promise<RawLink>, steps: readonly Step[]): Promise<unknown[]> => {
  const kinds: unknown[] = [];
  let link = await dial();
  let current = "";
  for (const [index, step] of steps.entries()) {
    if (!link.isOpen) link = await dial();
    const id = 1000 + 10 * index;
    if (step.kind === "frame") {
      link.send(step.frame);
      continue;
    }
    const message = step.kind === "claim" ? { kind: "claim" } : aboutCurrent(step.message, current);
    const answer = await link.ask(message, id);
    if (step.kind === "message") kinds.push(answer?.["kind"]);
    const task = taskIn(answer);
    current = task?.attempt ?? current;
    if (step.kind === "claim" && step.work && task !== undefined) await workOn(link, task, id + 1);
  }
  return kinds;
};

const aboutCurrent = (message: object, attempt: string): object =>
  "attempt" in message && message.attempt === currentAttempt ? { ...message, attempt } : message;

const taskIn = (answer: unknown): Assignment | undefined => {
  const parsed = RunnerAnswerSchema.safeParse(answer).data;
  return parsed?.kind === "next" && parsed.next.next === "task" ? parsed.next.task : undefined;
};

/** Completes a task as a runner should. */
const workOn = async (link: RawLink, task: Assignment, id: number): Promise<void> => {
  const { attempt } = task;
  if (task.kind === "plan") {
    const objects = [0, 1].map((index) => ({ path: `http://store/input/${index}`, size: 100, etag: '"x"' }));
    await link.ask({ kind: "planned", attempt, page: 0, objects }, id);
  }
  await link.ask({ kind: "complete", attempt, result: resultOf(task), counters: noCounters }, id + 1);
};

/** Options under which a run that hangs fails by itself and shows its seed. The timeout is ample even on a busy machine. */
export const runs = (numRuns: number) => ({ numRuns, timeout: 25_000, endOnFailure: true });

/** Time for all runs of a test together, in ms. */
export const allRunsMs = 120_000;
