import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../worker/env.ts";
import { agentToken, call, closedEnv, openEnv, problemOf, runnerToken } from "./api.ts";

/** The limits of `wrangler.toml`. */
const calls = 500;
const guesses = 20;

const limits = { CALL_LIMIT: env.CALL_LIMIT, GUESS_LIMIT: env.GUESS_LIMIT };
const limited: Env = {
  ...closedEnv,
  ...limits,
  API_TOKENS: "anna/viewer=token-of-anna-16,bert/viewer=token-of-bert-16,late/admin/2020-01-31=token-of-yesterday",
};
const job = "01890000-0000-7000-8000-000000000001";

let now = Date.now();
beforeEach(() => {
  // Each test gets a time window of its own. The limiters run outside this isolate, and use the real time.
  now += 10 * 60_000;
  vi.spyOn(Date, "now").mockImplementation(() => now);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const get = async (path: string, token: string | undefined, address: string, useEnv = limited): Promise<Response> => {
  const authorization: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return await call("GET", path, { env: useEnv, headers: { ...authorization, "CF-Connecting-IP": address } });
};
const status = async (...request: Parameters<typeof get>): Promise<number> => {
  const response = await get(...request);
  await response.body?.cancel();
  return response.status;
};
/** Makes `count` requests in sequence. @returns how often each status was returned */
const statuses = async (count: number, ...request: Parameters<typeof get>): Promise<Record<number, number>> => {
  const found: Record<number, number> = {};
  for (let i = 0; i < count; i++) {
    const one = await status(...request);
    found[one] = (found[one] ?? 0) + 1;
  }
  return found;
};

describe("calls with a token", () => {
  it("are limited by its name, wherever they come from", async () => {
    let refused: Response | undefined;
    let served = 0;
    // A new period can begin in between, but not twice.
    for (; served <= 2 * calls && refused === undefined; served++) {
      const response = await get("/", "token-of-anna-16", `192.0.2.${served % 200}`);
      if (response.status === 200) await response.body?.cancel();
      else refused = response;
    }
    expect(served).toBeGreaterThan(calls);
    if (refused === undefined) throw new Error("no call was refused");
    expect(refused.headers.get("Retry-After")).toBe("10");
    expect(await problemOf(refused)).toMatchObject({
      status: 429,
      type: "urn:edgefold:problem:rate-limited",
      detail: "Too many requests were made with the token of 'anna'. Try again in 10 s.",
    });
    expect(await status("/", "token-of-bert-16", "192.0.2.1")).toBe(200);
  });

  it("of agents and runners are unlimited", async () => {
    const runner = await runnerToken(limited, job);
    expect(await statuses(calls + 1, `/api/v1/jobs/${job}/link`, runner, "192.0.2.3")).toEqual({ 426: calls + 1 });
    const agent = await statuses(calls + 1, "/api/v1/agents/default/link", agentToken, "192.0.2.3");
    expect(agent).toEqual({ 426: calls + 1 });
  });
});

/** Sends wrong tokens until the limit is exceeded. */
const guess = async (address: string): Promise<void> => {
  const found = await statuses(2 * guesses + 1, "/api/v1/jobs", "wrong-token-of-16", address);
  expect(found[401]).toBeGreaterThanOrEqual(guesses);
  expect(found[429]).toBeGreaterThan(0);
};

describe("wrong tokens", () => {
  it("block their address for a minute, even with a valid token", async () => {
    await guess("192.0.2.4");
    const refused = await get("/", "token-of-bert-16", "192.0.2.4");
    expect(refused.headers.get("Retry-After")).toBe("60");
    expect(await problemOf(refused)).toMatchObject({ status: 429, type: "urn:edgefold:problem:rate-limited" });
    expect(await status("/", "token-of-bert-16", "192.0.2.5")).toBe(200);
    now += 59_999;
    expect(await status("/", "token-of-bert-16", "192.0.2.4")).toBe(429);
    now += 1;
    expect(await status("/", "token-of-bert-16", "192.0.2.4")).toBe(200);
  });

  it("from one IPv6 network count as one client", async () => {
    await guess("2001:db8:0:1::7");
    expect(await status("/", "token-of-bert-16", "2001:db8:0:1:ffff::1")).toBe(429);
    expect(await status("/", "token-of-bert-16", "2001:DB8::1:2:3:4:5")).toBe(429);
    expect(await status("/", "token-of-bert-16", "2001:db8:0:2::7")).toBe(200);
    expect(await status("/", "token-of-bert-16", "2001:db8::7")).toBe(200);
  });

  it("do not block links of agents and runners at the same address", async () => {
    await guess("192.0.2.6");
    expect(await status(`/api/v1/jobs/${job}/link`, await runnerToken(limited, job), "192.0.2.6")).toBe(426);
    expect(await status("/api/v1/agents/default/link", agentToken, "192.0.2.6")).toBe(426);
  });

  it("of runners block nobody else at their address", async () => {
    const found = await statuses(2 * guesses + 1, `/api/v1/jobs/${job}/link`, `${job}.wrong`, "192.0.2.7");
    expect(found[429]).toBeGreaterThan(0);
    expect(await status("/", "token-of-bert-16", "192.0.2.7")).toBe(200);
    expect(await status(`/api/v1/jobs/${job}/link`, await runnerToken(limited, job), "192.0.2.7")).toBe(426);
  });

  it.each([
    ["a missing token", undefined],
    ["an expired token", "token-of-yesterday"],
  ])("do not include %s", async (_, token) => {
    expect(await statuses(2 * guesses + 1, "/", token, "192.0.2.8")).toEqual({ 401: 2 * guesses + 1 });
    expect(await status("/", "token-of-bert-16", "192.0.2.8")).toBe(200);
  });
});

describe("requests are not limited", () => {
  it("in development", async () => {
    const open = { ...openEnv, ...limits };
    expect(await statuses(2 * calls + 1, "/", "wrong-token-of-16", "127.0.0.1", open)).toEqual({ 200: 2 * calls + 1 });
  });

  it("if no limit is configured", async () => {
    const none = { ...limited, CALL_LIMIT: undefined, GUESS_LIMIT: undefined };
    expect(await statuses(calls + 1, "/", "token-of-anna-16", "192.0.2.9", none)).toEqual({ 200: calls + 1 });
    expect(await statuses(2 * guesses + 1, "/", "wrong", "192.0.2.9", none)).toEqual({ 401: 2 * guesses + 1 });
  });

  it("while the limiter is unavailable", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const broken: RateLimit = {
      limit: async () => {
        throw new Error("no answer");
      },
    };
    const silent = { ...limited, CALL_LIMIT: broken, GUESS_LIMIT: broken };
    expect(await status("/", "token-of-anna-16", "192.0.2.10", silent)).toBe(200);
    expect(await status("/", "wrong", "192.0.2.10", silent)).toBe(401);
  });
});
