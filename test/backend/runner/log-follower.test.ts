import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { AttemptLog } from "../../../backend/runner/attempt-log.ts";
import { LogFollower } from "../../../backend/runner/log-follower.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The most bytes sent at a time. */
const most = 128 * 1024;

const scene = () => {
  const log = new AttemptLog();
  const sent: { attempt: string; offset: number; text: string }[] = [];
  const answers: (() => void)[] = [];
  const follower = new LogFollower(log, async ({ attempt, offset, content }) => {
    sent.push({ attempt, offset, text: Buffer.from(content, "base64").toString() });
    return new Promise<void>((resolve) => answers.push(resolve));
  });
  const write = (text: string): void => log.write(Buffer.from(text));
  /** Answers what was sent, and advances the clock by half a second. */
  const step = async (): Promise<void> => {
    for (const answer of answers.splice(0)) answer();
    await vi.advanceTimersByTimeAsync(500);
  };
  return { follower, sent, write, step };
};

it("sends new output from a position on, while it is followed", async () => {
  const { follower, sent, write, step } = scene();
  write("one\ntwo\n");
  await step();
  expect(sent).toEqual([]);
  follower.follow("a", 4);
  write("three\n");
  await step();
  await step();
  write("four\n");
  follower.end();
  write("five\n");
  await step();
  expect(sent).toEqual([
    { attempt: "a", offset: 4, text: "two\n" },
    { attempt: "a", offset: 8, text: "three\n" },
    { attempt: "a", offset: 14, text: "four\n" },
  ]);
});

it("sends nothing once nobody follows", async () => {
  const { follower, sent, write, step } = scene();
  follower.follow("a", 0);
  follower.unfollow();
  write("one\n");
  await step();
  follower.end();
  expect(sent).toEqual([]);
});

it("waits for the answer, except at the end, and starts over for later followers", async () => {
  const { follower, sent, write, step } = scene();
  write("one\n");
  follower.follow("a", 0);
  write("two\n");
  await vi.advanceTimersByTimeAsync(5000);
  expect(sent.map(({ offset }) => offset)).toEqual([0]);
  await step();
  follower.follow("a", 0);
  await step();
  expect(sent.map(({ offset, text }) => [offset, text])).toEqual([
    [0, "one\n"],
    [4, "two\n"],
    [0, "one\ntwo\n"],
  ]);
});

it("repeats what could not be sent", async () => {
  const log = new AttemptLog();
  const offsets: number[] = [];
  const follower = new LogFollower(log, async ({ offset }) => {
    offsets.push(offset);
    if (offsets.length === 1) throw new Error("not connected yet");
  });
  log.write(Buffer.from("one\n"));
  follower.follow("a", 0);
  await vi.advanceTimersByTimeAsync(500);
  log.write(Buffer.from("two\n"));
  await vi.advanceTimersByTimeAsync(500);
  follower.unfollow();
  expect(offsets).toEqual([0, 0, 4]);
});

it("skips output that is written faster than it may be sent", async () => {
  const { follower, sent, write, step } = scene();
  follower.follow("a", 0);
  for (let n = 0; n < 20; n++) {
    write("x".repeat(1_500_000));
    await step();
  }
  follower.end();
  expect(sent.length).toBeLessThanOrEqual(21);
  for (const { text } of sent) expect(text.length).toBeLessThanOrEqual(most);
  expect(sent.at(-1)).toMatchObject({ offset: 30_000_000 - most });
});
