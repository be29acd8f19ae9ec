import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { EventSchema, type JournalEvent } from "../../shared/api/events.ts";
import { JobSchema } from "../../shared/api/jobs.ts";
import { noCounters } from "../../shared/counters.ts";
import { call, jsonOf, problemOf } from "./api.ts";
import { claim, claimed, complete, finish, JobFixture, outlive, taskOf, work } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all([...open].map(async (stream) => await stream.close()));
  open.clear();
  await hangUp();
});

const open = new Set<EventStream>();

/** A client that reads a job's events. */
class EventStream {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor({ body }: Response) {
    if (body === null) throw new Error("there is no body");
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
    open.add(this);
  }

  /** The next event. Undefined at the end. */
  async next(): Promise<JournalEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const lines = this.#text.slice(0, end).split("\n");
        this.#text = this.#text.slice(end + 2);
        if (lines.length === 1) continue;
        const [id, kind, data] = lines.map((line) => line.replace(/^\w+: /, ""));
        const event = EventSchema.parse(JSON.parse(data ?? ""));
        expect([id, kind]).toEqual([String(event.id), event.kind]);
        return event;
      }
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#text += value;
    }
  }

  /** Reads events up to and including the first match, or to the end. */
  async until(isSo: (event: JournalEvent) => boolean): Promise<JournalEvent[]> {
    const events: JournalEvent[] = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) {
      events.push(event);
      if (isSo(event)) break;
    }
    return events;
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
  }
}

const watch = async (id: string, query = "", headers: Record<string, string> = {}): Promise<EventStream> => {
  const answer = await call("GET", `/api/v1/jobs/${id}/events${query}`, { headers });
  expect([answer.status, answer.headers.get("Content-Type")]).toEqual([200, "text/event-stream"]);
  return new EventStream(answer);
};

const never = (): boolean => false;
const isStatus = (status: string) => (event: JournalEvent) => event.kind === "job" && event.status === status;

/** A short form of an event. */
const brief = (event: JournalEvent): string => {
  switch (event.kind) {
    case "job":
      return event.status;
    case "task":
      return `${event.task.slice(37)}-${event.attempt} ${event.change}${event.speculative ? " beside another" : ""}`;
    case "condition":
      return `${event.set ? "+" : "-"}${event.type}`;
    case "progress":
    case "gap":
      return event.kind;
  }
};
const inShort = (events: readonly JournalEvent[]): string[] =>
  events.filter(({ kind }) => kind !== "progress").map(brief);

describe("the events of a job", () => {
  it("are sent as they happen, and end with the job", async () => {
    const job = await JobFixture.create();
    const stream = await watch(job.id);
    const runner = await job.runner();
    const first = await job.planned(runner);
    const begun = await stream.until(({ kind }) => kind === "task");
    expect(inShort(begun)).toEqual(["pending", "planning", "mapping", "m-0-1 started"]);
    await complete(runner, first);
    await work(runner);
    const rest = await stream.until(never);
    expect(inShort(rest)).toEqual([
      "m-0-1 won",
      "m-1-1 started",
      "m-1-1 won",
      "reducing",
      "r-0-1 started",
      "r-0-1 won",
      "r-1-1 started",
      "r-1-1 won",
      "committing",
      "completed",
    ]);
    const events = [...begun, ...rest];
    expect(events.map(({ id }) => id)).toEqual(events.map((_, i) => i + 1));
    expect(events.findLast(({ kind }) => kind === "progress")).toMatchObject({
      maps: { completed: 2 },
      reduces: { completed: 2 },
    });
    // A job that has ended has the same events.
    expect(await (await watch(job.id)).until(never)).toEqual(events);
  });

  it("can be resumed after a given id", async () => {
    const job = await JobFixture.create();
    await work(await job.runner());
    const events = await (await watch(job.id)).until(never);
    const rest = events.slice(4);
    expect(await (await watch(job.id, "?after=4")).until(never)).toEqual(rest);
    expect(await (await watch(job.id, "?after=1", { "Last-Event-ID": "4" })).until(never)).toEqual(rest);
    expect(await (await watch(job.id, `?after=${events.length}`)).until(never)).toEqual([]);
  });

  it("are a list for clients that accept JSON", async () => {
    const job = await JobFixture.create();
    await work(await job.runner());
    const events = await (await watch(job.id)).until(never);
    const headers = { Accept: "application/json" };
    const path = `/api/v1/jobs/${job.id}/events`;
    expect(await jsonOf(z.array(EventSchema), await call("GET", path, { headers }))).toEqual(events);
    const page = await call("GET", `${path}?limit=3`, { headers });
    expect(page.headers.get("Link")).toContain("limit=3&after=3>");
    expect(await jsonOf(z.array(EventSchema), page)).toEqual(events.slice(0, 3));
  });

  it("report failures, retries, losses and second attempts", async () => {
    const job = await JobFixture.create({ maxFailedMapsPercent: 0 });
    const stream = await watch(job.id);
    const runner = await job.runner();
    const { attempt } = await job.planned(runner, Array<number>(1500).fill(100));
    const error = { code: "ProgramFailed", message: "x".repeat(5000), final: false };
    const next = taskOf(await runner.request({ kind: "fail", attempt, error, counters: noCounters }));
    expect(next).toMatchObject({ kind: "map", index: 1 });
    await runner.close();
    await outlive(job);
    const events = await stream.until((event) => brief(event) === "m-1-1 lost");
    expect(inShort(events).slice(3)).toEqual(["m-0-1 failed", "m-1-1 lost"]);
    expect(events.find((event) => brief(event) === "m-0-1 failed")).toMatchObject({
      type: "mapper",
      status: "scheduled",
      runner: "runner",
      error: { code: "ProgramFailed", message: "x".repeat(2000) },
    });
    const again = await claimed(await job.runner("other"));
    expect(again).toMatchObject({ index: 1 });
    expect(inShort(await stream.until(({ kind }) => kind === "task"))).toEqual(["m-1-2 started"]);
  });

  it("omit starts and successes if the job has more than 1,000 tasks, and report progress once a second", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    let task = await job.planned(runner, Array<number>(1500).fill(100));
    const stream = await watch(job.id);
    await stream.until(isStatus("mapping"));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2000 });
    for (let n = 0; n < 50; n++) task = taskOf(await complete(runner, task));
    vi.setSystemTime(Date.now() + 2000);
    task = taskOf(await complete(runner, task));
    const events = await stream.until((event) => event.kind === "progress" && event.maps.completed === 51);
    // On a busy machine a second can have passed before.
    const told = events.map((event) => event.kind === "progress" && event.maps.completed);
    expect(told.filter((completed) => completed !== 0)).toEqual([1, 51]);
  });

  it("report the latest progress even if nothing else happens, as long as somebody watches", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    await complete(runner, await job.planned(runner, Array<number>(1500).fill(100)));
    const stream = await watch(job.id);
    const events = await stream.until((event) => event.kind === "progress" && event.maps.completed === 1);
    expect(events.length).toBeGreaterThan(3);
    // Everything has been sent: only the lease is due.
    const alarm = await job.alarm();
    expect(alarm === null || alarm > Date.now() + 2000).toBe(true);
  });

  it("report conditions, and every change of one", async () => {
    const job = await JobFixture.create();
    const report = async (...conditions: { type: string; message: string }[]) =>
      await job.report({ kind: "conditions", conditions });
    await report({ type: "A", message: "one" }, { type: "B", message: "two" });
    await report({ type: "A", message: "one" }, { type: "B", message: "three" });
    await report({ type: "A", message: "one" });
    await job.stub.stop();
    expect(inShort(await (await watch(job.id)).until(never))).toEqual([
      "pending",
      "+A",
      "+B",
      "+B",
      "-B",
      "-A",
      "stopped",
    ]);
  });

  it("reach watchers after the object has hibernated, and do not keep it awake", async () => {
    const job = await JobFixture.create();
    const stream = await watch(job.id);
    expect(inShort(await stream.until(({ kind }) => kind === "progress"))).toEqual(["pending"]);
    await job.evict();
    await claim(await job.runner());
    expect(inShort(await stream.until(isStatus("planning")))).toEqual(["planning"]);
    await job.evict();
    await job.stub.stop();
    expect((await stream.until(never)).at(-1)).toMatchObject({ status: "stopped" });
  });

  it("reach slow readers, even if they exceed the buffer for a watcher", async () => {
    const job = await JobFixture.create();
    const stream = await watch(job.id);
    await stream.until(({ kind }) => kind === "progress");
    // Nobody reads these events, about 4 MB.
    for (let n = 0; n < 100; n++) {
      const conditions = Array.from({ length: 20 }, (_, i) => ({ type: `T${i}`, message: `${n}`.padEnd(2000, "x") }));
      await job.report({ kind: "conditions", conditions });
    }
    await job.stub.stop();
    const events = await stream.until(never);
    expect(events.filter(({ kind }) => kind === "condition")).toHaveLength(100 * 20 + 20);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, i) => i + 3));
  });

  it("are batched into one message when many arrive at once", async () => {
    const job = await JobFixture.create();
    const { webSocket } = await job.stub.fetch("http://job/watch/events", { headers: { Upgrade: "websocket" } });
    const messages: string[] = [];
    const closed = new Promise((resolve) => {
      webSocket?.addEventListener("message", ({ data }) => {
        messages.push(String(data));
      });
      webSocket?.addEventListener("close", () => resolve(webSocket.close()));
    });
    webSocket?.accept();
    const conditions = Array.from({ length: 50 }, (_, n) => ({ type: `T${n}`, message: "" }));
    for (const condition of conditions) await job.report({ kind: "conditions", conditions: [condition] });
    await job.stub.stop();
    await closed;
    expect(messages.join("").match(/^event: condition$/gm)).toHaveLength(100);
    expect(messages.length).toBeLessThan(50);
  });

  it("have watchers, which do not count as runners", async () => {
    const job = await JobFixture.create();
    await watch(job.id);
    const { conditions } = await jsonOf(JobSchema, await call("GET", `/api/v1/jobs/${job.id}`));
    expect(conditions.map(({ type }) => type)).toEqual(["NoAgent"]);
    // Nor is a watcher closed because it is silent.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31_000 });
    await runDurableObjectAlarm(job.stub);
    vi.useRealTimers();
    const stream = await watch(job.id);
    await job.stub.stop();
    expect((await stream.until(never)).at(-1)).toMatchObject({ status: "stopped" });
  });

  it("have at most 1,000 watchers at a time", async () => {
    const job = await JobFixture.create();
    const streams = await Promise.all(Array.from({ length: 1000 }, async () => await watch(job.id)));
    const refused = await call("GET", `/api/v1/jobs/${job.id}/events`);
    expect(await problemOf(refused)).toMatchObject({ status: 429, type: "urn:edgefold:problem:too-many-watchers" });
    await streams[0]?.close();
    await vi.waitFor(async () => await watch(job.id));
  });

  it.each([
    ["/api/v1/jobs/none/events", {}, 404],
    ["/api/v1/jobs/01900000-0000-7000-8000-000000000000/events", {}, 404],
    ["?after=x", {}, 400],
    ["?limit=3", {}, 400],
    ["", { "Last-Event-ID": "x" }, 400],
    ["?after=x", { Accept: "application/json" }, 400],
  ])("are refused: %s %o", async (path, headers, status) => {
    const { id } = await JobFixture.create();
    const answer = await call("GET", path.startsWith("/") ? path : `/api/v1/jobs/${id}/events${path}`, { headers });
    const problem = await problemOf(answer);
    expect(problem.status).toBe(status);
    if (status === 400) expect(problem.errors?.[0]?.field).toMatch(/^(after|limit|Last-Event-ID)$/);
  });

  it("are removed with the job", async () => {
    const job = await JobFixture.create();
    const stream = await watch(job.id);
    const runner = await job.runner();
    const plan = await claimed(runner);
    await job.stub.stop();
    await stream.until(never);
    await runner.request({ kind: "release", attempt: plan.attempt, reason: "it was revoked" });
    const clean = taskOf(await claim(runner));
    await runner.request({ kind: "uploads", attempt: clean.attempt, after: 0 });
    finish(runner, clean);
    await vi.waitFor(async () => expect(await job.stub.erase()).toBe(true));
    expect((await call("GET", `/api/v1/jobs/${job.id}/events`)).status).toBe(404);
  });
});
