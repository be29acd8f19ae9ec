import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, it, test, vi } from "vitest";
import { closeCodes } from "../../shared/protocol/connection.ts";
import { JobSchema } from "../../shared/api/jobs.ts";
import type { Env } from "../../worker/env.ts";
import { openCredentials, sealCredentials, UnopenableError } from "../../worker/secrets/sealed.ts";
import { agentToken, apiToken, call, closedEnv, jsonOf, problemOf, runnerToken, secretKey, upload } from "./api.ts";
import { eventually } from "./eventually.ts";
import { claimed, complete, JobFixture, work } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

afterEach(hangUp);
afterEach(() => {
  vi.restoreAllMocks();
});

const newKey = "another-secret-key-of-thirty-two-characters";
const job = "01890000-0000-7000-8000-000000000001";
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** The Worker before, during and after a key rotation. */
const before = closedEnv;
const prepared: Env = { ...closedEnv, SECRET_KEY_PREVIOUS: newKey };
const changing: Env = { ...closedEnv, SECRET_KEY: newKey, SECRET_KEY_PREVIOUS: secretKey };
const after: Env = { ...closedEnv, SECRET_KEY: newKey };

describe("credentials", () => {
  it("are sealed: they open only with the same job and key, and look different each time", async () => {
    const sealed = await sealCredentials(before, job, "päss");
    expect(sealed).toMatch(/^[0-9a-f]{16}\.[A-Za-z0-9+/=]+$/);
    expect(sealed).not.toContain("päss");
    expect(await openCredentials(before, job, sealed)).toBe("päss");
    expect(await sealCredentials(before, job, "päss")).not.toBe(sealed);
    await expect(openCredentials(before, "other", sealed)).rejects.toThrow(UnopenableError);
    await expect(openCredentials(after, job, sealed)).rejects.toThrow("neither SECRET_KEY nor SECRET_KEY_PREVIOUS");
  });

  it.each([
    ["a byte of the ciphertext", (bytes: Uint8Array) => bytes.length - 1],
    ["a byte of the initialization vector", () => 0],
  ])("do not open if %s is changed", async (_, at) => {
    const [id, text = ""] = (await sealCredentials(before, job, "päss")).split(".");
    const bytes = Uint8Array.fromBase64(text);
    bytes[at(bytes)] = (bytes[at(bytes)] ?? 0) ^ 1;
    await expect(openCredentials(before, job, `${id}.${bytes.toBase64()}`)).rejects.toThrow(UnopenableError);
  });

  it.each(["", ".", "no-dot", "0123456789abcdef.", "%.AAAA"])("do not open as '%s'", async (sealed) => {
    await expect(openCredentials(before, job, sealed)).rejects.toThrow(UnopenableError);
  });

  it("contain the id of their key, which cannot be changed", async () => {
    const [oldId] = (await sealCredentials(before, job, "x")).split(".");
    const [newId, text] = (await sealCredentials(after, job, "x")).split(".");
    expect(oldId).not.toBe(newId);
    await expect(openCredentials(changing, job, `${oldId}.${text}`)).rejects.toThrow(UnopenableError);
  });

  it("open during a key rotation, but not once the old key is gone", async () => {
    const old = await sealCredentials(before, job, "old");
    for (const env of [prepared, changing]) expect(await openCredentials(env, job, old)).toBe("old");
    await expect(openCredentials(after, job, old)).rejects.toThrow(UnopenableError);
    const sealed = await sealCredentials(changing, job, "new");
    for (const env of [prepared, changing, after]) expect(await openCredentials(env, job, sealed)).toBe("new");
    await expect(openCredentials(before, job, sealed)).rejects.toThrow(UnopenableError);
  });
});

const statusIn = async (env: Env, token: string): Promise<number> =>
  (await call("GET", `/api/v1/jobs/${job}/link`, { env, headers: bearer(token) })).status;

describe("a runner's token", () => {
  it("is valid with either key during a rotation", async () => {
    const old = await runnerToken(before, job);
    const made = await runnerToken(changing, job);
    expect(await Promise.all([before, prepared, changing, after].map(async (env) => await statusIn(env, old)))).toEqual(
      [426, 426, 426, 401],
    );
    expect(
      await Promise.all([before, prepared, changing, after].map(async (env) => await statusIn(env, made))),
    ).toEqual([401, 426, 426, 426]);
  });
});

const post = async (env: Env, body: object): Promise<Response> =>
  await call("POST", "/api/v1/jobs", {
    env,
    headers: { ...bearer(apiToken), "Content-Type": "application/json", "Idempotency-Key": "once" },
    body: JSON.stringify(body),
  });

it("a request repeated during a key rotation gets the same job", async () => {
  await upload("mapper", "#!the mapper");
  const request = { inputPath: "http://h/b/k", outputPath: "http://h", mapperName: "mapper", nReducers: 0 };
  const { id } = await jsonOf(JobSchema, await post(before, request));
  for (const env of [prepared, changing]) expect((await jsonOf(JobSchema, await post(env, request))).id).toBe(id);
  const other = await post(changing, { ...request, splitSize: 7 });
  expect((await problemOf(other)).type).toBe("urn:edgefold:problem:idempotency-conflict");
});

it("an agent's token can be rotated by listing its cluster twice", async () => {
  const both = {
    ...closedEnv,
    AGENT_TOKENS: `default=${agentToken},default=the-new-token-of-16,other=token-of-another`,
  };
  for (const [token, status] of [
    [agentToken, 426],
    ["the-new-token-of-16", 426],
    ["token-of-another", 403],
  ] as const) {
    const response = await call("GET", "/api/v1/agents/default/link", { env: both, headers: bearer(token) });
    expect(response.status).toBe(status);
  }
  const clusters = await call("GET", "/api/v1/clusters", { env: both, headers: bearer(apiToken) });
  expect(await clusters.json()).toMatchObject([{ name: "default" }, { name: "other" }]);
});

it("a second key that is too short closes the Worker", async () => {
  const response = await call("GET", "/", { env: { ...closedEnv, SECRET_KEY_PREVIOUS: "short" } });
  expect(response.status).toBe(503);
  expect((await problemOf(response)).detail).toContain("SECRET_KEY_PREVIOUS has fewer than 32 characters");
});

const expectFailed = async (fixture: JobFixture): Promise<void> => {
  await eventually(async () => expect((await fixture.describe()).status).toBe("failed"));
  const { error } = await fixture.describe();
  expect(error).toMatchObject({ code: "KeyMissing", taskId: null });
  expect(error?.message).toContain("SECRET_KEY_PREVIOUS");
};
const loseKey = async (fixture: JobFixture): Promise<void> => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  await fixture.query("UPDATE secret SET sealed = ?", await sealCredentials(after, fixture.id, "{}"));
};

describe("a job whose key is gone", () => {
  test("fails when a runner says hello, and dismisses its runners", async () => {
    const fixture = await JobFixture.create();
    const runner = await fixture.runner("a");
    const map = await fixture.planned(runner);
    await loseKey(fixture);
    const other = await fixture.dial();
    void fixture.hello(other, "b");
    expect(await other.closed).toMatchObject({ code: closeCodes.ended });
    expect(await runner.closed).toMatchObject({ code: closeCodes.ended });
    expect(runner.notices).toContainEqual(expect.objectContaining({ kind: "revoke", attempt: map.attempt }));
    await expectFailed(fixture);
    expect((await fixture.describe()).conditions).toMatchObject([{ type: "CleaningAbandoned" }]);
    expect(await fixture.query("SELECT * FROM secret")).toEqual([]);
  });

  test("fails even if nothing was done for it yet", async () => {
    const fixture = await JobFixture.create();
    await loseKey(fixture);
    void fixture.hello(await fixture.dial());
    await expectFailed(fixture);
    expect(await fixture.query("SELECT * FROM secret")).toEqual([]);
  });

  test("fails even while committing", async () => {
    const fixture = await JobFixture.create();
    const runner = await fixture.runner();
    await fixture.mapped(runner);
    for (let task = await claimed(runner); task.kind === "reduce"; task = await claimed(runner)) {
      await complete(runner, task);
    }
    expect((await fixture.describe()).status).toBe("committing");
    await loseKey(fixture);
    void fixture.hello(await fixture.dial(), "b");
    await expectFailed(fixture);
  });

  test("fails when its agent reports a runner that exited, as refused runners do", async () => {
    const fixture = await JobFixture.create();
    await loseKey(fixture);
    await fixture.report({ kind: "exited", runnerId: "a", reason: "ended with exit code 1", failure: null });
    await expectFailed(fixture);
  });

  test("keeps its result if only its clean-up was left", async () => {
    const fixture = await JobFixture.create();
    const runner = await fixture.runner("a");
    await fixture.planned(runner);
    await fixture.stub.stop();
    await loseKey(fixture);
    void fixture.hello(await fixture.dial(), "b");
    await eventually(async () => expect((await fixture.describe()).conditions).not.toEqual([]));
    expect(await fixture.describe()).toMatchObject({
      status: "stopped",
      error: null,
      conditions: [{ type: "CleaningAbandoned" }],
    });
  });

  test("is not touched once it has ended", async () => {
    const fixture = await JobFixture.create();
    const runner = await fixture.runner();
    await work(runner);
    await eventually(async () => expect(await fixture.query("SELECT * FROM secret")).toEqual([]));
    await fixture.report({ kind: "exited", runnerId: "runner", reason: "ended", failure: null });
    await runDurableObjectAlarm(fixture.stub);
    expect(await fixture.describe()).toMatchObject({ status: "completed", conditions: [] });
  });
});
