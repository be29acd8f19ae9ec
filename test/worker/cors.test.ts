import { describe, expect, it } from "vitest";
import type { Env } from "../../worker/env.ts";
import { resources } from "../../worker/routes/resources.ts";
import { apiToken, call, closedEnv, openEnv, problemOf } from "./api.ts";

const page = "https://app.example.com";
const otherPage = "http://localhost:3000";
const env: Env = { ...closedEnv, CORS_ORIGINS: `${page}, ${otherPage}` };
const bearer = { Authorization: `Bearer ${apiToken}` };

/** The names of the CORS headers in a response. */
const corsHeaders = ({ headers }: Response): string[] =>
  [...headers.keys()].filter((name) => name.startsWith("access-control-")).toSorted();

/** Every path that is served, and one that is not. */
const paths = [...resources.map(({ path }) => path.replaceAll(/:\w+/g, "unknown")), "/nothing"];

const preflight = async (path: string, origin: string, useEnv: Env = env): Promise<Response> => {
  const headers = {
    Origin: origin,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
  };
  return await call("OPTIONS", path, { env: useEnv, headers });
};

describe.each(paths)("%s", (path) => {
  // The document needs no token.
  const refused = path === "/openapi.json" ? 405 : 401;

  it("allows the preflight of a listed page, without a token", async () => {
    const response = await preflight(path, page);
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "access-control-allow-origin": page,
      "access-control-allow-methods": "GET, HEAD, PUT, POST, DELETE",
      "access-control-allow-headers":
        "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Range",
      vary: "Origin",
    });
  });

  it.each(["https://evil.example", "null", "https://app.example.com.evil.example", "http://app.example.com"])(
    "gives %s no CORS headers",
    async (origin) => {
      const response = await preflight(path, origin);
      expect([response.status, corsHeaders(response)]).toEqual([refused, []]);
      await response.body?.cancel();
    },
  );

  it("gives no page CORS headers if none is listed", async () => {
    const response = await preflight(path, page, closedEnv);
    expect([response.status, corsHeaders(response), response.headers.get("Vary")]).toEqual([refused, [], null]);
    await response.body?.cancel();
  });
});

describe("an answer", () => {
  it.each([
    ["with a token", bearer, 200],
    ["that refuses", {}, 401],
  ])("%s is readable by a listed page", async (_, headers, status) => {
    for (const origin of [page, otherPage]) {
      const response = await call("GET", "/api/v1/jobs", { env, headers: { ...headers, Origin: origin } });
      await response.body?.cancel();
      expect(response.status).toBe(status);
      // No `access-control-allow-credentials`: browsers send no credentials of their own.
      expect(corsHeaders(response)).toEqual(["access-control-allow-origin", "access-control-expose-headers"]);
      expect(response.headers.get("Access-Control-Allow-Origin")).toBe(origin);
      expect(response.headers.get("Access-Control-Expose-Headers")).toContain("Retry-After");
      expect(response.headers.get("Vary")).toBe("Origin");
    }
  });

  it.each<Record<string, string>>([{}, { Origin: "https://evil.example" }])(
    "is readable by no other page: %o",
    async (headers) => {
      const response = await call("GET", "/api/v1/jobs", { env, headers: { ...bearer, ...headers } });
      await response.body?.cancel();
      expect([response.status, corsHeaders(response), response.headers.get("Vary")]).toEqual([200, [], "Origin"]);
    },
  );

  it("is readable by no page if none is listed", async () => {
    const response = await call("GET", "/api/v1/jobs", { env: closedEnv, headers: { ...bearer, Origin: page } });
    await response.body?.cancel();
    expect([response.status, corsHeaders(response), response.headers.get("Vary")]).toEqual([200, [], null]);
  });
});

it("a request without Access-Control-Request-Method is not a preflight", async () => {
  const response = await call("OPTIONS", "/", { env, headers: { ...bearer, Origin: page } });
  expect((await problemOf(response)).type).toBe("urn:edgefold:problem:method-not-allowed");
});

it.each(["*", "https://*.example.com", "https://app.example.com/", "app.example.com", "null", "file:///page"])(
  "CORS_ORIGINS cannot list %s",
  async (origin) => {
    const faulty = { ...closedEnv, CORS_ORIGINS: `${page},${origin}` };
    for (const response of [
      await call("GET", "/", { env: faulty, headers: bearer }),
      await preflight("/", page, faulty),
    ]) {
      expect(response.status).toBe(503);
      expect((await problemOf(response)).detail).toContain(`CORS_ORIGINS lists '${origin}'`);
    }
  },
);

describe("in development", () => {
  const open: Env = { ...openEnv, CORS_ORIGINS: otherPage };

  it("a listed page may call", async () => {
    const headers = { Origin: otherPage, "Sec-Fetch-Site": "same-site" };
    const response = await call("GET", "/api/v1/jobs", { env: open, headers });
    await response.body?.cancel();
    expect(response.status).toBe(200);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe(otherPage);
    expect((await preflight("/", otherPage, open)).status).toBe(204);
  });

  it("no other page may, nor any page under another name of this machine", async () => {
    for (const init of [
      { headers: { Origin: page } },
      { headers: { Origin: otherPage }, origin: "http://evil.example:4750" },
    ]) {
      const response = await call("GET", "/api/v1/jobs", { env: open, ...init });
      await response.body?.cancel();
      expect(response.status).toBe(403);
    }
  });
});
