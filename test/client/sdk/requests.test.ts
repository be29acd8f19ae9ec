import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Edgefold, EdgefoldError } from "../../../client/sdk/index.ts";
import { retryDelay } from "../../../client/sdk/requests.ts";
import { FakeServer, json, problem, refusal, rejectionOf, token, url } from "./fake-server.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Returns the error a call was rejected with, skipping all waits. */
const failureOf = async (call: Promise<unknown>): Promise<unknown> => {
  const failure = rejectionOf(call);
  await vi.runAllTimersAsync();
  return await failure;
};

const request = { inputPath: "s3://in/", outputPath: "s3://out", mapperName: "map" };

/** Every method that sends a request, and whether the request is idempotent. */
const calls: readonly [name: string, isRepeatable: boolean, call: (client: Edgefold) => Promise<unknown>][] = [
  ["run", true, async (client) => await client.run(request)],
  ["jobs.list", true, async ({ jobs }) => await jobs.list().page()],
  ["jobs.get", true, async ({ jobs }) => await jobs.get("j")],
  ["jobs.create", true, async ({ jobs }) => await jobs.create(request)],
  ["jobs.rerun", true, async ({ jobs }) => await jobs.rerun("j")],
  ["jobs.resume", false, async ({ jobs }) => await jobs.resume("j")],
  ["jobs.stop", false, async ({ jobs }) => await jobs.stop("j")],
  ["jobs.purge", false, async ({ jobs }) => await jobs.purge("j")],
  ["jobs.outputs", true, async ({ jobs }) => await jobs.outputs("j").page()],
  ["jobs.wait", true, async ({ jobs }) => await jobs.wait("j")],
  ["events", true, async (client) => await client.events("j").next()],
  ["tasks.list", true, async ({ tasks }) => await tasks.list("j").page()],
  ["tasks.get", true, async ({ tasks }) => await tasks.get("j", "t")],
  ["me", true, async (client) => await client.me()],
  ["tasks.states", true, async ({ tasks }) => await tasks.states("j")],
  ["tasks.segments", true, async ({ tasks }) => await tasks.segments("j", "t").page()],
  ["attempts.list", true, async ({ attempts }) => await attempts.list("j", "t").page()],
  ["attempts.get", true, async ({ attempts }) => await attempts.get("j", "t", 1)],
  ["logs.read", true, async ({ logs }) => await logs.read("j", "t", 1)],
  ["logs.follow", true, async ({ logs }) => await logs.follow("j", "t", 1).next()],
  ["artifacts.list", true, async ({ artifacts }) => await artifacts.list().page()],
  ["artifacts.get", true, async ({ artifacts }) => await artifacts.get("a")],
  ["artifacts.put", true, async ({ artifacts }) => await artifacts.put("a", "text")],
  ["artifacts.content", true, async ({ artifacts }) => await artifacts.content("a")],
  ["artifacts.delete", false, async ({ artifacts }) => await artifacts.delete("a")],
  ["clusters.list", true, async ({ clusters }) => await clusters.list()],
  ["tokens.list", true, async ({ tokens }) => await tokens.list().page()],
  ["tokens.get", true, async ({ tokens }) => await tokens.get("n")],
  ["tokens.put", true, async ({ tokens }) => await tokens.put("n", { role: "viewer" })],
  ["tokens.delete", false, async ({ tokens }) => await tokens.delete("n")],
  ["notificationKeys", true, async (client) => await client.notificationKeys()],
];

/** The names of the methods of an object's class, with a prefix. */
const methodsOf = (object: object, prefix = ""): string[] =>
  Reflect.ownKeys(Reflect.getPrototypeOf(object) ?? {}).flatMap((name) =>
    name === "constructor" ? [] : [prefix + String(name)],
  );

test("the list of calls covers every method", () => {
  const { client } = new FakeServer();
  const grouped = Object.entries(client).flatMap(([group, methods]) => methodsOf(methods, `${group}.`));
  expect(calls.map(([name]) => name).toSorted()).toEqual([...grouped, ...methodsOf(client)].toSorted());
});

const errorOf = (status: number | undefined, retryAfterSeconds?: number): EdgefoldError =>
  new EdgefoldError({ status, type: "about:blank", title: "", detail: "", retryAfterSeconds });

describe("a busy server", () => {
  test.each(calls)("is retried by %s: %s", async (_, isRepeatable, call) => {
    const server = new FakeServer(() => problem(503, { "Retry-After": "2" }));
    expect(await failureOf(call(server.client))).toMatchObject({ status: 503, retryAfterSeconds: 2 });
    expect(server.requests).toHaveLength(isRepeatable ? 4 : 1);
    expect(new Set(server.header("Authorization"))).toEqual(new Set([`Bearer ${token}`]));
  });

  test("receives retries with the same key and the same form", async () => {
    const server = new FakeServer(
      () => problem(503, { "Retry-After": "1" }),
      () => json({ id: "j" }),
    );
    const created = server.client.jobs.create(request);
    await vi.runAllTimersAsync();
    expect(await created).toEqual({ id: "j" });
    const [key] = server.header("Idempotency-Key");
    expect(key).toMatch(/^[0-9a-f]{32}$/);
    expect(server.header("Idempotency-Key")).toEqual([key, key]);
    expect(await Promise.all(server.requests.map(async (each) => await each.json()))).toEqual([request, request]);

    const uploads = new FakeServer(
      () => problem(429, { "Retry-After": "1" }),
      () => json({ name: "a b.py" }),
    );
    const put = uploads.client.artifacts.put("a b.py", new Blob(["#!"]), { type: "file" });
    await vi.runAllTimersAsync();
    await put;
    const forms = await Promise.all(uploads.requests.map(async (each) => await each.formData()));
    for (const form of forms) {
      const file = form.get("program");
      if (!(file instanceof File)) throw new Error("the form has no file");
      expect([form.get("type"), file.name, await file.text()]).toEqual(["file", "a b.py", "#!"]);
    }
    expect(forms).toHaveLength(2);
  });

  test("is not retried if it names no time or a distant one", () => {
    expect(retryDelay(errorOf(503, 0), 0)).toBe(0);
    expect(retryDelay(errorOf(429, 15), 2)).toBe(15_000);
    expect(retryDelay(errorOf(429, 15), 3)).toBeUndefined();
    expect(retryDelay(errorOf(429, 60), 0)).toBeUndefined();
    expect(retryDelay(errorOf(503), 0)).toBeUndefined();
    expect(retryDelay(errorOf(500, 1), 0)).toBeUndefined();
    expect(retryDelay(errorOf(undefined), 0)).toBeUndefined();
    expect(retryDelay(new Error("a bug"), 0)).toBeUndefined();
  });

  test("is no longer waited for after an abort", async () => {
    const server = new FakeServer(() => problem(503, { "Retry-After": "10" }));
    const abort = new AbortController();
    const failure = rejectionOf(server.client.jobs.get("j", { signal: abort.signal }));
    await vi.advanceTimersByTimeAsync(5000);
    const reason = new Error("enough");
    abort.abort(reason);
    expect(await failure).toBe(reason);
    expect(server.requests).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("an error", () => {
  test("contains the problem that the server returned", async () => {
    const errors = [{ field: "inputPath", message: "is wrong" }, { field: 1 }, "?"];
    const server = new FakeServer(() => problem(400, {}, { errors }));
    const error = await failureOf(server.client.jobs.create(request));
    expect(error).toBeInstanceOf(EdgefoldError);
    expect(error).toMatchObject({
      name: "EdgefoldError",
      message: "What is wrong.",
      status: 400,
      type: "urn:edgefold:problem:of-400",
      title: "A title",
      detail: "What is wrong.",
      errors: [{ field: "inputPath", message: "is wrong" }],
    });
  });

  test.each([
    ["a page", "<html>", "Bad Gateway"],
    ["empty", null, "Bad Gateway"],
    ["JSON of another kind", "[1]", ""],
  ])("can be built from a body that is %s", async (_, body, statusText) => {
    const server = new FakeServer(() => new Response(body, { status: 502, statusText }));
    expect(await failureOf(server.client.jobs.get("j"))).toMatchObject({
      status: 502,
      type: "about:blank",
      title: statusText === "" ? "HTTP 502" : statusText,
      detail: "The server answered 502 without a reason. Check the URL.",
      errors: [],
    });
  });

  test("has the cause if no response arrived, and is not retried", async () => {
    const cause = refusal();
    const server = new FakeServer(() => cause);
    const error = await failureOf(server.client.jobs.get("j"));
    expect(error).toMatchObject({ status: undefined, type: "about:blank", cause });
    expect(String(error)).toBe("EdgefoldError: No answer from the server: fetch failed: connect ECONNREFUSED");
    expect(server.requests).toHaveLength(1);
  });

  test("shows the code if the cause has no message", async () => {
    const cause = Object.assign(new AggregateError([], ""), { code: "ECONNREFUSED" });
    const server = new FakeServer(() => new TypeError("fetch failed", { cause }));
    expect(String(await failureOf(server.client.jobs.get("j")))).toMatch(/: fetch failed: ECONNREFUSED$/);
  });

  test("reports a redirect, which is not followed", async () => {
    const server = new FakeServer(() => new Response(null, { status: 302, headers: { Location: "/login" } }));
    expect(await failureOf(server.client.jobs.create(request))).toMatchObject({ status: 302 });
    expect(server.requests.map(({ redirect }) => redirect)).toEqual(["manual"]);
  });

  test.each([
    ["cannot be read", () => new Response("<html>")],
    ["is empty", () => new Response(null, { headers: { "Content-Length": "0" } })],
  ])("reports a response that %s", async (_, reply) => {
    const server = new FakeServer(reply);
    expect(await failureOf(server.client.jobs.get("j"))).toMatchObject({ status: undefined, title: "No answer" });
  });

  test("says when to retry, from seconds or a date", async () => {
    const inAnHour = new Date(Date.now() + 3_600_000).toUTCString();
    for (const [text, seconds] of [
      ["60", 60],
      [inAnHour, 3600],
      ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
      ["soon", undefined],
    ] as const) {
      const error = await failureOf(
        new FakeServer(() => problem(429, { "Retry-After": text })).client.jobs.resume("j"),
      );
      if (!(error instanceof EdgefoldError)) throw error;
      const { retryAfterSeconds } = error;
      if (seconds === undefined) expect(retryAfterSeconds).toBeUndefined();
      else expect(Math.abs((retryAfterSeconds ?? Infinity) - seconds)).toBeLessThan(60);
    }
  });

  test("is the signal's reason after an abort", async () => {
    const reason = new Error("enough");
    const server = new FakeServer(() => json({}));
    const signal = AbortSignal.abort(reason);
    expect(await failureOf(server.client.jobs.get("j", { signal }))).toBe(reason);
    expect(await failureOf(server.client.events("j", { signal }).next())).toBe(reason);
  });
});

describe("a client", () => {
  test("rejects an unusable URL or token, without quoting it", () => {
    for (const bad of ["localhost:4750", "ftp://secret", "", "https://me:secret@host"]) {
      expect(() => new Edgefold({ url: bad })).toThrow(/^url must (?!.*secret)/);
    }
    for (const bad of ["", "secret\nX: y", "sécret"]) {
      expect(() => new Edgefold({ url, token: bad })).toThrow(/^token must (?!.*secret)/);
    }
  });

  test("sends no token if it has none, and keeps the path of its URL", async () => {
    const requests: Request[] = [];
    const client = new Edgefold({
      url: new URL("https://host/edgefold/"),
      fetch: async (each) => {
        requests.push(each);
        return json([]);
      },
    });
    expect(await client.clusters.list()).toEqual([]);
    expect(requests.map((each) => [each.url, each.headers.get("Authorization")])).toEqual([
      ["https://host/edgefold/api/v1/clusters", null],
    ]);
  });
});
