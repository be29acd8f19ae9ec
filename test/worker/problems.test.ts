import { afterEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../worker/env.ts";
import { isTransient, ProblemError, renderProblem } from "../../worker/http/problems.ts";
import { apiToken, call, closedEnv, problemOf, secretKey } from "./api.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const logged = () => {
  const lines: string[] = [];
  vi.spyOn(console, "error").mockImplementation((line: unknown) => void lines.push(String(line)));
  return lines;
};

/** An environment whose Registry fails with an unexpected error. */
const failing = (error: Error): Env => {
  const namespace = new Proxy(closedEnv.REGISTRY, {
    get: () => () => {
      throw error;
    },
  });
  return { ...closedEnv, REGISTRY: namespace };
};
const headers = { Authorization: `Bearer ${apiToken}` };

describe("an unexpected error", () => {
  it("is hidden from the caller, and logged without secrets", async () => {
    const lines = logged();
    const env = failing(new Error(`cannot reach ${apiToken} with ${secretKey}`));
    const response = await call("GET", "/api/v1/artifacts?after=in-the-query", { env, headers });
    expect(response.status).toBe(500);
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ type: "urn:edgefold:problem:internal", title: "Internal error" });
    expect(problem.detail).not.toContain("reach");

    expect(lines.length).toBe(1);
    const line = lines[0] ?? "";
    const id = /logged as ([\w-]{36})\./.exec(problem.detail)?.[1];
    expect(JSON.parse(line)).toMatchObject({ id, method: "GET", path: "/api/v1/artifacts" });
    expect(line).toContain("cannot reach … with …");
    for (const secret of [apiToken, secretKey, "in-the-query"]) expect(line).not.toContain(secret);
  });

  it.each(["retryable", "overloaded", "durableObjectReset"])("that is %s asks the caller to retry", async (flag) => {
    logged();
    const env = failing(Object.assign(new Error("the object moved"), { [flag]: true }));
    const response = await call("GET", "/api/v1/jobs", { env, headers });
    expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "1"]);
    expect((await problemOf(response)).type).toBe("urn:edgefold:problem:busy");
  });

  it("is transient only if it is marked as such", () => {
    for (const error of [null, undefined, "retryable", new Error("x"), { retryable: false }, { overloaded: "yes" }]) {
      expect(isTransient(error)).toBe(false);
    }
  });
});

it("a problem is rendered as RFC 9457 specifies", async () => {
  const error = new ProblemError("job-ended", "Job 1 has ended.", {
    headers: { "X-Y": "z" },
    errors: [{ field: "a", message: "b" }],
  });
  const response = renderProblem(error, new Request("http://localhost/"), []);
  expect(response.headers.get("X-Y")).toBe("z");
  expect(await problemOf(response)).toEqual({
    type: "urn:edgefold:problem:job-ended",
    title: "The job has ended",
    status: 409,
    detail: "Job 1 has ended.",
    errors: [{ field: "a", message: "b" }],
  });
});
