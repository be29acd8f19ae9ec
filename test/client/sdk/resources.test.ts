import { describe, expect, test } from "vitest";
import { FakeServer, json } from "./fake-server.ts";

/** The headers of a page that is followed by another. */
const link = (after: string) => ({ Link: `<https://edgefold.test/api/v1/jobs?limit=1&after=${after}>; rel="next"` });

describe("a list", () => {
  test("is read page by page, only as far as it is iterated", async () => {
    const server = new FakeServer(
      () => json([1, 2], link("b")),
      () => json([3], link("c%40d")),
      () => json([]),
    );
    const { jobs } = server.client;
    const items: unknown[] = [];
    for await (const item of jobs.list()) items.push(item);
    expect(items).toEqual([1, 2, 3]);
    expect(server.asked).toEqual([
      "GET /api/v1/jobs?limit=1000",
      "GET /api/v1/jobs?limit=1000&after=b",
      "GET /api/v1/jobs?limit=1000&after=c%40d",
    ]);

    const another = new FakeServer(() => json([1, 2], link("b")));
    for await (const item of another.client.jobs.list()) if (item !== undefined) break;
    expect(another.requests).toHaveLength(1);
  });

  test("can be read one page at a time", async () => {
    const server = new FakeServer(
      () => json([1], link("b")),
      () => json([2]),
    );
    const list = server.client.jobs.list({ name: "x" });
    const { items, next } = await list.page({ limit: 1 });
    expect([items, next]).toEqual([[1], "b"]);
    expect(await list.page({ limit: 1, after: next })).toEqual({ items: [2], next: undefined });
    expect(server.asked).toEqual(["GET /api/v1/jobs?name=x&limit=1", "GET /api/v1/jobs?name=x&limit=1&after=b"]);
  });

  test("of jobs can be filtered", async () => {
    const server = new FakeServer(() => json([]));
    const { jobs } = server.client;
    await jobs.list({ status: "failed" }).page();
    await jobs
      .list({ status: ["failed", "stopped"], tags: { team: "a:b", "x/y": "&" }, since: 5, until: "2030-12-31" })
      .page();
    expect(server.asked).toEqual([
      "GET /api/v1/jobs?status=failed",
      "GET /api/v1/jobs?status=failed%2Cstopped&tag=team%3Aa%3Ab&tag=x%2Fy%3A%26&since=5&until=2030-12-31",
    ]);
  });
});

test("each method sends the request that its name says", async () => {
  const server = new FakeServer(() => json({ keys: ["k"] }));
  const { jobs, tasks, attempts, logs, artifacts, tokens } = server.client;
  await jobs.get("j");
  await jobs.rerun("j", { name: null }, { idempotencyKey: "mine" });
  await jobs.resume("j", { maxAttempts: 9 });
  await jobs.stop("j");
  await jobs.purge("j");
  await jobs.outputs("j").page({ limit: 2 });
  await tasks.list("j", { status: "failed", type: "mapper", sort: "-duration" }).page();
  await tasks.get("j", "j-m-0");
  await attempts.list("j", "j-m-0").page();
  await attempts.get("j", "j-m-0", 2);
  await logs.read("j", "j-m-0", 2, { tail: 0 });
  for await (const _ of logs.follow("j", "j-m-0", 2, { tail: 3 }));
  await artifacts.list({ type: "module" }).page();
  await artifacts.get("a/b?.py");
  await artifacts.delete("a b");
  expect(await (await artifacts.content("a b")).json()).toEqual({ keys: ["k"] });
  await tokens.list().page();
  await tokens.get("n");
  await tokens.put("n", { role: "viewer", expires: "2030-12-31" });
  await tokens.delete("n");
  expect(await server.client.notificationKeys()).toEqual(["k"]);
  expect(server.asked).toEqual([
    "GET /api/v1/jobs/j",
    "POST /api/v1/jobs/j/rerun",
    "POST /api/v1/jobs/j/resume",
    "DELETE /api/v1/jobs/j",
    "DELETE /api/v1/jobs/j?purge=true",
    "GET /api/v1/jobs/j/outputs?limit=2",
    "GET /api/v1/jobs/j/tasks?status=failed&type=mapper&sort=-duration",
    "GET /api/v1/jobs/j/tasks/j-m-0",
    "GET /api/v1/jobs/j/tasks/j-m-0/attempts",
    "GET /api/v1/jobs/j/tasks/j-m-0/attempts/2",
    "GET /api/v1/jobs/j/tasks/j-m-0/attempts/2/log?tail=0",
    "GET /api/v1/jobs/j/tasks/j-m-0/attempts/2/log?tail=3&follow=true",
    "GET /api/v1/artifacts?type=module",
    "GET /api/v1/artifacts/a%2Fb%3F.py",
    "DELETE /api/v1/artifacts/a%20b",
    "GET /api/v1/artifacts/a%20b/content",
    "GET /api/v1/tokens",
    "GET /api/v1/tokens/n",
    "PUT /api/v1/tokens/n",
    "DELETE /api/v1/tokens/n",
    "GET /api/v1/notification-key",
  ]);
  const bodies = await Promise.all(server.requests.map(async (each) => await each.text()));
  expect(bodies.filter((body) => body !== "")).toEqual([
    '{"name":null}',
    '{"maxAttempts":9}',
    '{"role":"viewer","expires":"2030-12-31"}',
  ]);
  expect(server.header("Idempotency-Key")[1]).toBe("mine");
});

describe("a log", () => {
  test("can be empty", async () => {
    const server = new FakeServer(() => new Response("", { headers: { "Content-Length": "0" } }));
    expect(await server.client.logs.read("j", "t", 1)).toBe("");
    for await (const text of server.client.logs.follow("j", "t", 1)) throw new Error(`there is '${text}'`);
  });
});
