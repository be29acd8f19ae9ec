import { afterEach, beforeEach, expect, vi } from "vitest";
import { ProblemSchema } from "../../../shared/api/problems.ts";

/** The longest time for an answer on a busy machine, in ms. */
const patience = 15_000;

/** Fails if a promise does not settle in time. */
export const inTime = async <T>(what: string, promise: Promise<T>): Promise<T> => {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no end of ${what} within ${patience / 1000} s`)), patience);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};

const check = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};

/**
 * Fails unless a response meets the rules for all responses: complete, no internal error, and every refusal is a well-formed
 * problem that names the invalid fields.
 *
 * @returns its body
 */
export const saneAnswer = async (asked: Promise<Response>): Promise<string> => {
  const response = await inTime("the answer", asked);
  const body = new TextDecoder().decode(await inTime("the body", response.arrayBuffer()));
  check(response.status < 500, `status ${response.status}: ${body}`);
  if (response.status < 400) return body;
  check(response.headers.get("Content-Type") === "application/problem+json", `no problem: ${body}`);
  const problem = ProblemSchema.parse(JSON.parse(body));
  check(/^urn:edgefold:problem:[a-z-]+$/.test(problem.type), `a type of its own: ${body}`);
  check(problem.status === response.status && problem.title !== "" && problem.detail !== "", `not filled in: ${body}`);
  if (problem.type.endsWith(":invalid-request")) check((problem.errors ?? []).length > 0, `no field named: ${body}`);
  for (const { message } of problem.errors ?? []) check(message !== "", `no message: ${body}`);
  return body;
};

/** Fails each test of the file during which the Worker logs an error. */
export const expectNoErrors = (): void => {
  let logged: unknown[][] = [];
  beforeEach(() => {
    logged = [];
    vi.spyOn(console, "debug").mockImplementation(() => undefined);
    vi.spyOn(console, "error").mockImplementation((...what: unknown[]) => void logged.push(what));
  });
  afterEach(() => {
    expect(logged).toEqual([]);
    vi.restoreAllMocks();
  });
};
