import { describe, expect, it } from "vitest";
import type { Env } from "../../worker/env.ts";
import { resources } from "../../worker/routes/resources.ts";
import { apiToken, call, closedEnv, openEnv, problemOf } from "./api.ts";

const page = "https://app.example.com";
const otherPage = "http://localhost:3000";
const env: Env = { ...closedEnv, CORS_ORIGINS: `${page}, ${otherPage}` };
const bearer = { Authorization: `Bearer ${apiToken}` };

/** The names of the headers that browsers look at before they let a page see an answer. */
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

  it("tells a page that is listed that it may call, without a token", async () => {
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
    "tells %s nothing",
    async (origin) => {
      const response = await preflight(path, origin);
      expect([response.status, corsHeaders(response)]).toEqual([refused, []]);
      await response.body?.cancel();
    },
  );

  it("tells no page anything where none is listed", async () => {
    const response = await preflight(path, page, closedEnv);
    expect([response.status, corsHeaders(response), response.headers.get("Vary")]).toEqual([refused, [], null]);
    await response.body?.cancel();
  });
});

describe("an answer", () => {
  it.each([
    ["with a token", bearer, 200],
    ["that refuses", {}, 401],
  ])("%s is for the page that is listed", async (_, headers, status) => {
    for (const origin of [page, otherPage]) {
      const response = await call("GET", "/api/v1/jobs", { env, headers: { ...headers, Origin: origin } });
      await response.body?.cancel();
      expect(response.status).toBe(status);
      // No `access-control-allow-credentials`: no browser sends its own.
      expect(corsHeaders(response)).toEqual(["access-control-allow-origin", "access-control-expose-headers"]);
      expect(response.headers.get("Access-Control-Allow-Origin")).toBe(origin);
      expect(response.headers.get("Access-Control-Expose-Headers")).toContain("Retry-After");
      expect(response.headers.get("Vary")).toBe("Origin");
    }
  });

  it.each<Record<string, string>>([{}, { Origin: "https://evil.example" }])(
    "is no other page's: %o",
    async (headers) => {
      const response = await call("GET", "/api/v1/jobs", { env, headers: { ...bearer, ...headers } });
      await response.body?.cancel();
      expect([response.status, corsHeaders(response), response.headers.get("Vary")]).toEqual([200, [], "Origin"]);
    },
  );

  it("is no page's where none is listed", async () => {
    const response = await call("GET", "/api/v1/jobs", { env: closedEnv, headers: { ...bearer, Origin: page } });
    await response.body?.cancel();
    expect([response.status, corsHeaders(response), response.headers.get("Vary")]).toEqual([200, [], null]);
  });
});

it("a page must name its method before that is a preflight", async () => {
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

  it("a page that is listed may call", async () => {
    const headers = { Origin: otherPage, "Sec-Fetch-Site": "same-site" };
    const response = await call("GET", "/api/v1/jobs", { env: open, headers });
    await response.body?.cancel();
    expect(response.status).toBe(200);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe(otherPage);
    expect((await preflight("/", otherPage, open)).status).toBe(204);
  });

  it("no other page may, and none by another name of this machine", async () => {
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
