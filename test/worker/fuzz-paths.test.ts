import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IssuedTokenSchema } from "../../shared/api/tokens.ts";
import { resources } from "../../worker/routes/resources.ts";
import { agentToken, apiToken, call, closedEnv, runnerToken } from "./api.ts";
import { saneAnswer, expectNoErrors } from "./fuzz/answers.ts";
import { hostile, text } from "./fuzz/values.ts";

/** Every request gets an answer, whatever its path, method and headers: a problem if nothing is there. */

expectNoErrors();

/** Encodes a part of a path as a careful client does. Parts that cannot be percent-encoded stay as they are. */
const encoded = (part: string): string => {
  try {
    return encodeURIComponent(part);
  } catch {
    return part;
  }
};

describe("any path", () => {
  const odd = fc.oneof(
    text.map(encoded),
    fc.constantFrom(
      "..",
      ".",
      "..%2f..%2fx",
      "%2e%2e",
      "%00",
      "%",
      "%F",
      "%ff",
      "%c0%ae",
      "%ED%A0%80",
      "a%2fb",
      "a;b",
      "~",
      "*",
    ),
  );
  const token = fc.constantFrom("api", "agent", "runner", "none");

  it("with any parts, methods, queries and tokens", async () => {
    const runner = await runnerToken(closedEnv, "odd");
    const tokens: Record<string, string | undefined> = { api: apiToken, agent: agentToken, runner, none: undefined };
    const templates = [...resources.map(({ path }) => path), "/:a", "/api/:a/:b", "//:a", "/api/v1/artifacts/:a/:b"];
    const methods = fc.constantFrom("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS");
    const queries = fc.oneof(
      fc.constantFrom(
        "",
        "?",
        "?limit=1",
        "?limit=1&limit=2",
        "?after=%00",
        "?after=x&limit=1000",
        "?__proto__=1",
        "?limit=%F",
      ),
      text.map((part) => `?limit=${encoded(part)}&after=${encoded(part)}`),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...templates),
        odd,
        methods,
        queries,
        token,
        async (path, part, method, query, who) => {
          const target = path.replaceAll(/:\w+/g, () => part) + query;
          if (!URL.canParse(`http://localhost:4750${target}`)) return;
          const shown = tokens[who];
          const headers: Record<string, string> = shown === undefined ? {} : { Authorization: `Bearer ${shown}` };
          const response = await call(method, target, { env: closedEnv, headers });
          if (method === "HEAD") expect(response.status).toBeLessThan(500);
          else await saneAnswer(Promise.resolve(response));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("with any headers", async () => {
    const names = fc.constantFrom(
      "Authorization",
      "Host",
      "Origin",
      "Upgrade",
      "Range",
      "If-Match",
      "Accept-Encoding",
      "Content-Length",
      "Access-Control-Request-Method",
      "CF-Connecting-IP",
      "X-Forwarded-For",
    );
    const values = fc.oneof(
      text.filter((value) => value.length < 5000 && /^[ -~]*$/.test(value)),
      fc.constantFrom(
        "Bearer",
        "Bearer ",
        `Bearer  ${apiToken}`,
        `Basic ${apiToken}`,
        "websocket",
        "bytes=0-",
        "::1",
        "1:2:3:4:5:6:7:8:9",
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(names, values), { maxLength: 4 }), async (pairs) => {
        let headers: Record<string, string>;
        try {
          headers = Object.fromEntries(new Headers(pairs.map(([name, value]): [string, string] => [name, value])));
        } catch {
          return; // No client can send these headers.
        }
        await saneAnswer(
          call("GET", "/api/v1/jobs", { headers, env: { ...closedEnv, CORS_ORIGINS: "https://a.example" } }),
        );
      }),
      { numRuns: 200 },
    );
  });
});

describe("PUT /api/v1/tokens/{name}", () => {
  it("handles any name and JSON; issued tokens are found, listed and deleted", async () => {
    const names = fc.oneof(text, fc.stringMatching(/^[A-Za-z0-9._@-]{1,64}$/));
    const days = fc.oneof(
      text,
      fc.constantFrom("2999-12-31", "9999-12-31", "2999-02-30", "0000-01-01", "2999-12-31T00:00Z"),
    );
    const likely = fc.record(
      { role: fc.oneof(fc.constantFrom("viewer", "submitter", "admin"), text), expires: days },
      { requiredKeys: [] },
    );
    const headers = { Authorization: `Bearer ${apiToken}`, "Content-Type": "application/json" };
    const ask = async (method: string, path: string, body?: string) =>
      await saneAnswer(call(method, path, { env: closedEnv, headers, body }));
    let issued = 0;
    await fc.assert(
      fc.asyncProperty(names, fc.oneof(likely, hostile), async (name, request) => {
        const path = `/api/v1/tokens/${encoded(name)}`;
        if (!URL.canParse(`http://localhost:4750${path}`)) return;
        const answer: unknown = JSON.parse(await ask("PUT", path, JSON.stringify(request)));
        const token = IssuedTokenSchema.safeParse(answer).data;
        if (token === undefined) return;
        issued++;
        const { token: secret, ...shown } = token;
        expect(JSON.parse(await ask("GET", path))).toEqual(shown);
        expect(JSON.parse(await ask("GET", "/api/v1/tokens"))).toEqual([shown]);
        const own = { env: closedEnv, headers: { Authorization: `Bearer ${secret}` } };
        expect((await call("HEAD", "/", own)).status).toBe(200);
        await ask("DELETE", path);
      }),
      { numRuns: 200 },
    );
    expect(issued).toBeGreaterThan(0);
  });
});
