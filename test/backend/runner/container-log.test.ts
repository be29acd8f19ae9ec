import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { AttemptLog } from "../../../backend/runner/attempt-log.ts";
import { ContainerLog } from "../../../backend/runner/container-log.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const scene = () => {
  const log = new AttemptLog();
  const printed: string[] = [];
  const container = new ContainerLog(log, (text) => printed.push(text));
  container.begin("a-1");
  const write = (bytes: string | Buffer): void => {
    log.write(Buffer.from(bytes));
    vi.advanceTimersByTime(300);
  };
  return { container, printed, write };
};

it("prints each line with its attempt, with whole characters, and the last line even if it is unterminated", () => {
  const { container, printed, write } = scene();
  const text = Buffer.from("grün\nund");
  write(text.subarray(0, 3));
  write(text.subarray(3));
  container.end("a-1");
  expect(printed.join("")).toBe("[a-1] grün\n[a-1] und\n");
});

it("does not hold back an unterminated line", () => {
  const { printed, write } = scene();
  for (let n = 0; n < 4; n++) write("x".repeat(40_000));
  expect(printed.join("").length).toBeGreaterThan(100_000);
});
