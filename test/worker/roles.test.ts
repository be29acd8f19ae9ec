import { describe, expect, it } from "vitest";
import { JobSchema } from "../../shared/api/jobs.ts";
import { roles, type Role } from "../../shared/api/tokens.ts";
import { resources } from "../../worker/routes/resources.ts";
import type { Env } from "../../worker/env.ts";
import { call, closedEnv, jsonOf, problemOf, upload } from "./api.ts";

const tokenOf = (role: Role): string => `token-of-a-${role}`;
const env: Env = {
  ...closedEnv,
  API_TOKENS: [
    ...roles.map((role) => `a-${role}/${role}=${tokenOf(role)}`),
    "late/admin/2020-01-31=token-of-yesterday",
    "early/admin/2999-12-31=token-of-tomorrow",
  ].join(","),
};
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** Every route, and the lowest role that may use it. `agent` and `runner` have tokens of their own. */
const table: readonly (readonly [method: string, path: string, needed: Role | "agent" | "runner"])[] = [
  ["GET", "/", "viewer"],
  ["GET", "/api/v1/artifacts", "viewer"],
  ["PUT", "/api/v1/artifacts", "submitter"],
  ["GET", "/api/v1/artifacts/:filename", "viewer"],
  ["DELETE", "/api/v1/artifacts/:filename", "admin"],
  ["GET", "/api/v1/artifacts/:filename/content", "viewer"],
  ["GET", "/api/v1/jobs", "viewer"],
  ["POST", "/api/v1/jobs", "submitter"],
  ["POST", "/api/v1/jobs/:id/rerun", "submitter"],
  ["POST", "/api/v1/jobs/:id/resume", "submitter"],
  ["GET", "/api/v1/jobs/:id", "viewer"],
  ["DELETE", "/api/v1/jobs/:id", "submitter"],
  ["GET", "/api/v1/jobs/:id/events", "viewer"],
  ["GET", "/api/v1/jobs/:id/tasks", "viewer"],
  ["GET", "/api/v1/jobs/:id/tasks/:task", "viewer"],
  ["GET", "/api/v1/jobs/:id/tasks/:task/segments", "viewer"],
  ["GET", "/api/v1/jobs/:id/tasks/:task/attempts", "viewer"],
  ["GET", "/api/v1/jobs/:id/tasks/:task/attempts/:attempt", "viewer"],
  ["GET", "/api/v1/jobs/:id/tasks/:task/attempts/:attempt/log", "viewer"],
  ["GET", "/api/v1/jobs/:id/outputs", "viewer"],
  ["GET", "/api/v1/jobs/:id/task-states", "viewer"],
  ["GET", "/api/v1/me", "viewer"],
  ["GET", "/api/v1/clusters", "viewer"],
  ["GET", "/api/v1/tokens", "admin"],
  ["GET", "/api/v1/tokens/:name", "admin"],
  ["PUT", "/api/v1/tokens/:name", "admin"],
  ["DELETE", "/api/v1/tokens/:name", "admin"],
  ["GET", "/api/v1/notification-key", "admin"],
  ["GET", "/api/v1/jobs/:id/link", "runner"],
  ["GET", "/api/v1/jobs/:id/programs/:role", "runner"],
  ["GET", "/api/v1/jobs/:id/contents/:hash", "runner"],
  ["PUT", "/api/v1/jobs/:id/attempts/:attempt/log", "runner"],
  ["GET", "/api/v1/agents/:cluster/link", "agent"],
];
const isRole = (needed: string): needed is Role => roles.some((role) => role === needed);
const at = (path: string): string => path.replaceAll(/:\w+/g, "unknown");

it("the table covers every route", () => {
  const served = resources.flatMap(({ path, methods }) => Object.keys(methods).map((method) => `${method} ${path}`));
  const listed = [...table.map(([method, path]) => `${method} ${path}`), "GET /openapi.json"];
  expect(served.toSorted()).toEqual(listed.toSorted());
});

it("the OpenAPI document is public once the Worker is configured", async () => {
  const answers = [
    await call("GET", "/openapi.json", { env }),
    await call("GET", "/openapi.json", { env, headers: bearer("no-token-at-all") }),
    await call("GET", "/openapi.json", { env: { ...env, AGENT_TOKENS: undefined } }),
    await call("DELETE", "/openapi.json", { env }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 503, 405]);
  await Promise.all(answers.map(async ({ body }) => await body?.cancel()));
});

describe.each(table)("%s %s", (method, path, needed) => {
  it("is closed to requests without a token, and while nothing is configured", async () => {
    const answers = [
      await call(method, at(path), { env }),
      await call(method, at(path), { env: { ...env, API_TOKENS: undefined, AGENT_TOKENS: undefined } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 503]);
  });

  it.each(roles)("%s", async (role) => {
    const response = await call(method, at(path), { env, headers: bearer(tokenOf(role)) });
    await response.body?.cancel();
    if (isRole(needed)) expect(response.status === 403).toBe(roles.indexOf(role) < roles.indexOf(needed));
    else expect(response.status).toBe(401);
  });
});

describe("a token", () => {
  it.each([
    ["token-of-yesterday", 401],
    ["token-of-tomorrow", 200],
    ["early/admin/2999-12-31=token-of-tomorrow", 401],
  ])("%s: %i", async (token, status) => {
    const response = await call("GET", "/api/v1/jobs", { env, headers: bearer(token) });
    expect(response.status).toBe(status);
    await response.body?.cancel();
  });

  it.each(["a/owner=token-of-16-or-more", "a/admin/2026-13-45=token-of-16-or-more"])("%s is invalid", async (entry) => {
    const response = await call("GET", "/", { env: { ...env, API_TOKENS: entry } });
    expect((await problemOf(response)).detail).toContain("API_TOKENS counts as not set");
  });

  it("gets an error with the required role, or that it has expired", async () => {
    const refused = await call("DELETE", "/api/v1/artifacts/x", { env, headers: bearer(tokenOf("submitter")) });
    expect(await problemOf(refused)).toMatchObject({
      type: "urn:edgefold:problem:role-missing",
      detail: "The role 'admin' is required. 'a-submitter' has the role 'submitter'.",
    });
    const late = await call("GET", "/", { env, headers: bearer("token-of-yesterday") });
    expect((await problemOf(late)).detail).toBe("The token has expired.");
  });

  it("is named in the jobs that it submits", async () => {
    await upload("mapper", "#!the mapper");
    const response = await call("POST", "/api/v1/jobs", {
      env,
      headers: { ...bearer(tokenOf("submitter")), "Content-Type": "application/json" },
      body: JSON.stringify({
        inputPath: "http://minio:9000/test/test.txt",
        outputPath: "http://minio:9000",
        mapperName: "mapper",
        nReducers: 0,
      }),
    });
    expect((await jsonOf(JobSchema, response)).submittedBy).toBe("a-submitter");
  });
});

it.each(["/", "/nothing", "/api/v1/jobs"])("browsers are told not to cache or run anything: %s", async (path) => {
  const { headers, body } = await call("GET", path, { env, headers: bearer(tokenOf("admin")) });
  await body?.cancel();
  expect(headers.get("Cache-Control")).toBe("no-store");
  expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
  expect(headers.get("Content-Security-Policy")).toContain("default-src 'none'");
  expect(headers.has("Access-Control-Allow-Origin")).toBe(false);
});
