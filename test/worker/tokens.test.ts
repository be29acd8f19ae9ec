import { env } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { IssuedTokenSchema, TokenSchema, type IssuedToken, type Token } from "../../shared/api/tokens.ts";
import type { Env } from "../../worker/env.ts";
import { call, closedEnv, jsonOf, problemOf } from "./api.ts";
import { rows } from "./registry-helpers.ts";

const operator: Env = {
  ...closedEnv,
  API_TOKENS: "root/admin=token-of-the-operator,sam/submitter=token-of-sam-the-second",
};
const day = 24 * 60 * 60 * 1000;
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

afterEach(() => {
  vi.restoreAllMocks();
});

const ask = async (method: string, path: string, body?: unknown, token = "token-of-the-operator"): Promise<Response> =>
  await call(method, `/api/v1/tokens${path}`, {
    env: operator,
    headers: { ...bearer(token), "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

const issue = async (name: string, fields: Partial<Token> = {}): Promise<IssuedToken> =>
  await jsonOf(IssuedTokenSchema, await ask("PUT", `/${name}`, { role: "viewer", ...fields }));

/** The response status of a request with this token. */
const statusWith = async (token: string, method = "GET", path = "/api/v1/jobs", useEnv = operator): Promise<number> => {
  const response = await call(method, path, { env: useEnv, headers: bearer(token) });
  await response.body?.cancel();
  return response.status;
};

/** Moves the clock forward by `ms` milliseconds. */
const wait = (ms: number): void => {
  const now = Date.now() + ms;
  vi.spyOn(Date, "now").mockImplementation(() => now);
};

describe("an issued token", () => {
  it("is random, shown once, and kept as a hash", async () => {
    const before = Date.now();
    const response = await ask("PUT", "/anna", { role: "submitter", expires: "2999-12-31" });
    expect([response.status, response.headers.get("Location")]).toEqual([201, "/api/v1/tokens/anna"]);
    const issued = await jsonOf(IssuedTokenSchema, response);
    expect(issued).toMatchObject({ name: "anna", role: "submitter", expires: "2999-12-31" });
    expect(issued.created).toBeGreaterThanOrEqual(before);
    expect(issued.token).toMatch(/^ef_[A-Za-z0-9_-]{43}$/);
    const { token: _, ...shown } = issued;
    expect(await (await ask("GET", "/anna")).json()).toEqual(shown);
    expect(await (await ask("GET", "")).json()).toEqual([shown]);
    const stored = JSON.stringify(await rows("SELECT * FROM token"));
    expect(stored).toContain("anna");
    expect(stored).not.toContain(issued.token.slice(3, 20));
    expect((await issue("bert")).token).not.toBe(issued.token);
  });

  it("grants what its role allows, and is rate-limited by its name", async () => {
    const [viewer, submitter, admin] = [
      await issue("viewer"),
      await issue("submitter", { role: "submitter" }),
      await issue("admin", { role: "admin" }),
    ];
    const statuses = async (method: string, path: string) =>
      await Promise.all([viewer, submitter, admin].map(async ({ token }) => await statusWith(token, method, path)));
    expect(await statuses("GET", "/api/v1/jobs")).toEqual([200, 200, 200]);
    expect(await statuses("POST", "/api/v1/jobs")).toEqual([403, 415, 415]);
    expect(await statuses("DELETE", "/api/v1/artifacts/none")).toEqual([403, 403, 404]);
    expect(await statuses("GET", "/api/v1/tokens")).toEqual([403, 403, 200]);
    expect(await statuses("GET", "/api/v1/agents/default/link")).toEqual([401, 401, 401]);
    const keys: string[] = [];
    const CALL_LIMIT: RateLimit = {
      limit: async ({ key }) => {
        keys.push(key);
        return await Promise.resolve({ success: false });
      },
    };
    expect(await statusWith(viewer.token, "GET", "/", { ...operator, CALL_LIMIT })).toBe(429);
    expect(keys).toEqual(["viewer"]);
  });

  it("is looked up once a minute", async () => {
    const { token } = await issue("often");
    let lookUps = 0;
    const REGISTRY = new Proxy(operator.REGISTRY, {
      get: (target, property) => {
        if (property === "getByName") lookUps++;
        const value: unknown = Reflect.get(target, property);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const counting = { ...operator, REGISTRY };
    for (let n = 0; n < 3; n++) expect(await statusWith(token, "GET", "/", counting)).toBe(200);
    expect(lookUps).toBe(1);
    wait(61_000);
    expect(await statusWith(token, "GET", "/", counting)).toBe(200);
    expect(lookUps).toBe(2);
  });

  it("that is replaced or deleted stops working within a minute", async () => {
    const first = await issue("changing");
    expect(await statusWith(first.token)).toBe(200);
    const response = await ask("PUT", "/changing", { role: "admin" });
    expect([response.status, response.headers.get("Location")]).toEqual([200, null]);
    const second = await jsonOf(IssuedTokenSchema, response);
    expect(await statusWith(second.token)).toBe(200);
    wait(61_000);
    expect([await statusWith(first.token), await statusWith(second.token)]).toEqual([401, 200]);
    expect((await ask("DELETE", "/changing")).status).toBe(204);
    wait(61_000);
    expect(await statusWith(second.token)).toBe(401);
    expect((await problemOf(await ask("DELETE", "/changing"))).type).toBe("urn:edgefold:problem:unknown-token");
  });

  it("is invalid from its expiry date on", async () => {
    const expires = new Date(Date.now() + 2 * day).toISOString().slice(0, 10);
    const { token } = await issue("passing", { expires });
    expect(await statusWith(token)).toBe(200);
    const midnight = Date.parse(expires);
    vi.spyOn(Date, "now").mockImplementation(() => midnight - 1);
    expect(await statusWith(token)).toBe(200);
    vi.spyOn(Date, "now").mockImplementation(() => midnight);
    const response = await call("GET", "/", { env: operator, headers: bearer(token) });
    expect((await problemOf(response)).detail).toBe("The token has expired.");
  });

  it("is overridden by a token in API_TOKENS with the same name", async () => {
    const refused = await problemOf(await ask("PUT", "/sam", { role: "admin" }));
    expect(refused).toMatchObject({ type: "urn:edgefold:problem:token-configured", status: 409 });
    expect(refused.detail).toContain("'sam'");
    const { token } = await issue("tom", { role: "admin" });
    const later: Env = { ...operator, API_TOKENS: `${operator.API_TOKENS},tom/viewer=token-of-tom-the-second` };
    expect([await statusWith(token), await statusWith(token, "GET", "/", later)]).toEqual([200, 401]);
  });

  it("counts as a guess if it is wrong", async () => {
    const addresses: string[] = [];
    const GUESS_LIMIT: RateLimit = {
      limit: async ({ key }) => {
        addresses.push(key);
        return await Promise.resolve({ success: true });
      },
    };
    const { token } = await issue("guessed");
    const wrong = [`${token.slice(0, -1)}${token.endsWith("A") ? "E" : "A"}`, token.slice(0, -1), `${token}A`, "ef_"];
    for (const each of wrong) expect(await statusWith(each, "GET", "/", { ...operator, GUESS_LIMIT })).toBe(401);
    expect(addresses.length).toBe(wrong.length);
  });

  it("is not logged", async () => {
    const { token } = await issue("unlogged");
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((line: unknown) => void lines.push(String(line)));
    const REGISTRY = new Proxy(operator.REGISTRY, {
      get: () => () => {
        throw new Error(`cannot find ${token}`);
      },
    });
    expect(await statusWith(token, "GET", "/", { ...operator, REGISTRY })).toBe(500);
    expect(lines.join("\n")).toContain("cannot find …");
  });
});

/** The names on a page of the list, and the query of the next page. */
const listNames = async (query: string) => {
  const response = await ask("GET", query);
  const next = /<(.*)>/.exec(response.headers.get("Link") ?? "")?.[1];
  const tokens = await jsonOf(z.array(TokenSchema), response);
  return { next: next === undefined ? undefined : new URL(next).search, names: tokens.map(({ name }) => name) };
};

describe("requests for tokens", () => {
  it.each<[string, unknown, string]>([
    ["/a%20b", { role: "viewer" }, "name"],
    [`/${"a".repeat(65)}`, { role: "viewer" }, "name"],
    ["/a", {}, "role"],
    ["/a", { role: "owner" }, "role"],
    ["/a", { role: "viewer", expires: "2026-13-45" }, "expires"],
    ["/a", { role: "viewer", expires: "2020-01-31" }, "expires"],
    ["/a", { role: "viewer", token: "of-my-own" }, "token"],
  ])("PUT %s %j is refused for its %s", async (path, body, field) => {
    const { status, errors } = await problemOf(await ask("PUT", path, body));
    expect([status, errors?.map((error) => error.field)]).toEqual([400, [field]]);
  });

  it("lists them by name, in pages", async () => {
    await env.REGISTRY.getByName("registry").deleteToken("anna");
    for (const name of ["c", "a.b", "a@c"]) await issue(name);
    const { names: all } = await listNames("");
    expect(all).toEqual(all.toSorted());
    const first = await listNames("?limit=2");
    expect(first.names).toEqual(["a.b", "a@c"]);
    expect((await listNames(first.next ?? "")).names).toEqual(all.slice(2, 4));
  });

  it("returns 404 for a token that was not issued", async () => {
    for (const path of ["/nobody", "/root", "/a%20b"]) {
      expect((await problemOf(await ask("GET", path))).type).toBe("urn:edgefold:problem:unknown-token");
    }
  });
});
