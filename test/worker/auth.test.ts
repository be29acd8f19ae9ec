import { describe, expect, it } from "vitest";
import type { Env } from "../../worker/env.ts";
import { agentToken, apiToken, call, closedEnv, openEnv, problemOf, runnerToken } from "./api.ts";

const job = "01890000-0000-7000-8000-000000000001";
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const link = `/api/v1/jobs/${job}/link`;
const agentLink = "/api/v1/agents/default/link";

describe("a Worker that is not configured", () => {
  it.each<[string, Partial<Env>, string[]]>([
    [
      "nothing at all",
      { API_TOKENS: undefined, AGENT_TOKENS: undefined, SECRET_KEY: undefined },
      ["API_TOKENS is not set", "AGENT_TOKENS is not set", "SECRET_KEY is not set"],
    ],
    [
      "empty texts",
      { API_TOKENS: " , ", AGENT_TOKENS: "", SECRET_KEY: "" },
      ["API_TOKENS is not set", "AGENT_TOKENS is not set", "SECRET_KEY is not set"],
    ],
    ["a short API token", { API_TOKENS: `${apiToken},fifteen-letters` }, ["API_TOKENS counts as not set"]],
    ["an agent token without a cluster", { AGENT_TOKENS: agentToken }, ["AGENT_TOKENS counts as not set"]],
    ["a short agent token", { AGENT_TOKENS: "default=short" }, ["AGENT_TOKENS counts as not set"]],
    ["a short key", { SECRET_KEY: "x".repeat(31) }, ["SECRET_KEY counts as not set"]],
    ["an unknown OPEN_TO", { OPEN_TO: "everybody" }, ["OPEN_TO can only be 'loopback'"]],
    [
      "OPEN_TO without the rest",
      { OPEN_TO: "loopback", API_TOKENS: undefined, SECRET_KEY: undefined },
      ["SECRET_KEY is not set"],
    ],
  ])("is closed everywhere: %s", async (_, lacking, sayings) => {
    for (const path of ["/", "/openapi.json", "/api/v1/jobs", "/nothing", link, agentLink]) {
      const response = await call("GET", path, { env: { ...closedEnv, ...lacking }, headers: bearer(apiToken) });
      expect(response.status).toBe(503);
      const problem = await problemOf(response);
      expect(problem.type).toBe("urn:edgefold:problem:not-configured");
      for (const saying of sayings) expect(problem.detail).toContain(saying);
      expect(problem.detail).not.toContain(apiToken);
    }
  });

  it("says how to set what is missing", async () => {
    const response = await call("GET", "/", { env: { ...closedEnv, SECRET_KEY: undefined } });
    expect((await problemOf(response)).detail).toContain("`npx wrangler secret put SECRET_KEY`");
  });
});

describe("tokens", () => {
  it.each<[string, string, number, Record<string, string>]>([
    ["/api/v1/jobs", "no token", 401, {}],
    ["/api/v1/jobs", "a wrong token", 401, bearer(`${apiToken}x`)],
    ["/api/v1/jobs", "the beginning of a token", 401, bearer(apiToken.slice(0, -1))],
    ["/api/v1/jobs", "another scheme", 401, { Authorization: `Basic ${apiToken}` }],
    ["/api/v1/jobs", "an agent's token", 401, bearer(agentToken)],
    ["/api/v1/jobs", "an API token", 200, bearer(apiToken)],
    ["/api/v1/jobs", "the other API token", 200, bearer("another-token-of-the-api")],
    ["/api/v1/jobs", "a scheme in lower case", 200, { Authorization: `bearer ${apiToken}` }],
    ["/openapi.json", "no token", 200, {}],
    ["/", "no token", 401, {}],
    ["/nothing", "no token", 401, {}],
    ["/nothing", "an API token", 404, bearer(apiToken)],
    [agentLink, "no token", 401, {}],
    [agentLink, "an API token", 401, bearer(apiToken)],
    [agentLink, "the token of another cluster", 403, bearer(`${agentToken}-2`)],
    [agentLink, "its token", 426, bearer(agentToken)],
    ["/api/v1/agents/unknown/link", "a token", 403, bearer(agentToken)],
    [link, "no token", 401, {}],
    [link, "an API token", 401, bearer(apiToken)],
    [link, "an agent's token", 401, bearer(agentToken)],
    [`/api/v1/jobs/${job}/programs/mapper`, "an API token", 401, bearer(apiToken)],
  ])("%s with %s is %i", async (path, _, status, headers) => {
    const response = await call("GET", path, { env: closedEnv, headers });
    expect(response.status).toBe(status);
    expect(response.headers.get("WWW-Authenticate")).toBe(status === 401 ? "Bearer" : null);
    await response.body?.cancel();
  });

  it("give a runner access to its own job only", async () => {
    const own = bearer(await runnerToken(closedEnv, job));
    expect((await call("GET", link, { env: closedEnv, headers: own })).status).toBe(426);
    expect((await call("GET", "/api/v1/jobs/other/link", { env: closedEnv, headers: own })).status).toBe(403);
    expect((await call("GET", "/api/v1/jobs", { env: closedEnv, headers: own })).status).toBe(401);
  });
});

describe("open to loopback", () => {
  it.each<[string, string, number, Record<string, string>]>([
    ["localhost", "http://localhost:4750", 200, {}],
    ["no port", "http://localhost", 200, {}],
    ["127.0.0.1", "http://127.0.0.1:4750", 200, {}],
    ["127.255.0.3", "http://127.255.0.3:1", 200, {}],
    ["::1", "http://[::1]:4750", 200, {}],
    ["a token, which is ignored", "http://localhost:4750", 200, bearer("wrong")],
    [
      "the same origin",
      "http://localhost:4750",
      200,
      { Origin: "http://localhost:4750", "Sec-Fetch-Site": "same-origin" },
    ],
    ["the address bar", "http://localhost:4750", 200, { "Sec-Fetch-Site": "none" }],
    ["a name elsewhere", "http://evil.example:4750", 403, {}],
    ["a name that looks like it", "http://localhost.evil.example", 403, {}],
    ["a name that begins like it", "http://127.0.0.1.evil.example", 403, {}],
    ["an address in the network", "http://192.168.0.7:4750", 403, {}],
    ["a Host elsewhere", "http://localhost:4750", 403, { Host: "evil.example" }],
    ["an invalid Host", "http://localhost:4750", 403, { Host: "a b" }],
    ["an origin elsewhere", "http://localhost:4750", 403, { Origin: "http://evil.example" }],
    ["another port's origin", "http://localhost:4750", 403, { Origin: "http://localhost:3000" }],
    ["an opaque origin", "http://localhost:4750", 403, { Origin: "null" }],
    ["another site's page", "http://localhost:4750", 403, { "Sec-Fetch-Site": "cross-site" }],
    ["another port's page", "http://localhost:4750", 403, { "Sec-Fetch-Site": "same-site" }],
  ])("%s: %s is %i", async (_, origin, status, headers) => {
    const response = await call("GET", "/api/v1/artifacts", { origin, headers, env: openEnv });
    expect(response.status).toBe(status);
    await response.body?.cancel();
  });

  it("still requires tokens from agents and runners, and checks their Host and Origin", async () => {
    expect((await call("GET", link)).status).toBe(401);
    expect((await call("GET", agentLink)).status).toBe(401);
    expect((await call("GET", agentLink, { headers: bearer(agentToken) })).status).toBe(426);
    const foreign = { ...bearer(agentToken), Origin: "http://evil.example" };
    expect((await call("GET", agentLink, { headers: foreign })).status).toBe(403);
    expect((await call("GET", agentLink, { headers: bearer(agentToken), origin: "http://evil.example" })).status).toBe(
      403,
    );
  });

  it("cannot be enabled by a request", async () => {
    const headers = { Host: "localhost", "X-Forwarded-Host": "localhost", OPEN_TO: "loopback" };
    expect((await call("GET", "/api/v1/jobs?OPEN_TO=loopback", { env: closedEnv, headers })).status).toBe(401);
  });
});
