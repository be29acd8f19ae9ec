import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { JobStatus, JournalEvent } from "../../../client/sdk/index.ts";
import { FakeServer, json, problem, refusal, rejectionOf } from "./fake-server.ts";
import { bodyOf, left, type Part } from "./stream.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Advances the fake clock until a promise has settled. */
const settled = async <T>(promise: Promise<T>): Promise<T> => {
  const end = promise.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([end, vi.advanceTimersToNextTimerAsync().then(() => false)])));
  return await promise;
};

const job = (id: number, status: JobStatus): JournalEvent => ({ id, time: 1, kind: "job", status, error: null });
const gap = (id: number): JournalEvent => ({ id, time: 1, kind: "gap", from: 1 });
const text = (...events: readonly JournalEvent[]): string =>
  events.map((event) => `id: ${event.id}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`).join("");

const stream =
  (...parts: readonly Part[]) =>
  (): Response =>
    new Response(bodyOf(parts));
const lost = new TypeError("terminated");
const isNow = (status: JobStatus) => (): Response => json({ id: "j", status });

const allOf = async (events: AsyncIterable<JournalEvent>): Promise<JournalEvent[]> => {
  const all: JournalEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
};

const eventsPath = "GET /api/v1/jobs/j/events";
const jobPath = "GET /api/v1/jobs/j";

describe("the events of a job", () => {
  test("end with the job, wherever the stream is split into chunks", async () => {
    const failed: JournalEvent = {
      ...job(9, "failed"),
      kind: "job",
      status: "failed",
      error: { code: "é", message: "🧵", taskId: null },
    };
    const bytes = new TextEncoder().encode(`retry: 2000\n\n${text(job(2, "mapping"))}: still here\n\n${text(failed)}`);
    const server = new FakeServer(stream(...Array.from(bytes, (byte) => Uint8Array.of(byte))));
    expect(await settled(allOf(server.client.events("j")))).toEqual([job(2, "mapping"), failed]);
    expect(server.asked).toEqual([eventsPath]);
    expect(server.header("Accept")).toEqual(["text/event-stream"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("continue after the last complete one when the connection is lost, without duplicates", async () => {
    const [first, second, third] = [job(1, "pending"), job(4, "mapping"), job(6, "completed")];
    const server = new FakeServer(
      stream(text(first), text(second).slice(0, -1), lost),
      () => refusal(),
      () => problem(500),
      stream(text(first, second), lost),
      stream(text(second, third)),
    );
    expect(await settled(allOf(server.client.events("j")))).toEqual([first, second, third]);
    expect(server.asked).toEqual(Array(5).fill(eventsPath));
    expect(server.header("Last-Event-ID")).toEqual(["0", "1", "1", "1", "4"]);
  });

  test("continue when the stream repeatedly ends before the job", async () => {
    const server = new FakeServer(
      stream(text(job(1, "mapping"))),
      isNow("mapping"),
      stream(),
      isNow("mapping"),
      stream(text(job(2, "stopped"))),
    );
    expect(await settled(allOf(server.client.events("j")))).toEqual([job(1, "mapping"), job(2, "stopped")]);
    expect(server.asked).toEqual([eventsPath, jobPath, eventsPath, jobPath, eventsPath]);
  });

  test("are all read when the job ends between two connections", async () => {
    const server = new FakeServer(
      stream(text(job(1, "mapping"))),
      isNow("completed"),
      stream(text(job(2, "completed"))),
    );
    expect(await settled(allOf(server.client.events("j")))).toEqual([job(1, "mapping"), job(2, "completed")]);
  });

  test("continue when the job is resumed", async () => {
    const events = [job(1, "failed"), job(2, "mapping")];
    const server = new FakeServer(stream(text(...events)), isNow("mapping"), stream(text(job(3, "completed"))));
    expect(await settled(allOf(server.client.events("j")))).toEqual([...events, job(3, "completed")]);
  });

  test("can start after a given one", async () => {
    const server = new FakeServer(stream(), isNow("completed"), stream());
    expect(await settled(allOf(server.client.events("j", { after: 7 })))).toEqual([]);
    expect(server.header("Last-Event-ID")).toEqual(["7", null, "7"]);
  });

  test("fail at once if no server answers or the job is unknown", async () => {
    const cause = refusal();
    const nobody = new FakeServer(() => cause);
    expect(await settled(rejectionOf(allOf(nobody.client.events("j"))))).toMatchObject({ status: undefined, cause });
    expect(nobody.requests).toHaveLength(1);

    const removed = new FakeServer(stream(text(job(1, "mapping")), lost), () => problem(404));
    expect(await settled(rejectionOf(allOf(removed.client.events("j"))))).toMatchObject({ status: 404 });
    expect(removed.requests).toHaveLength(2);
  });

  test("fail eventually if the server does not come back", async () => {
    const server = new FakeServer(stream(text(gap(1)), lost), () => refusal());
    expect(await settled(rejectionOf(allOf(server.client.events("j"))))).toMatchObject({ status: undefined });
    expect(server.requests).toHaveLength(41);
  });

  test("continue as long as the server keeps coming back", async () => {
    const server = new FakeServer(
      ...Array.from({ length: 100 }, (_, n) => (n % 3 === 0 ? stream(lost) : () => refusal())),
      stream(text(job(1, "completed"))),
    );
    expect(await settled(allOf(server.client.events("j")))).toEqual([job(1, "completed")]);
  });

  test("wait for as long as the server asks", async () => {
    const server = new FakeServer(
      stream(lost),
      () => problem(429, { "Retry-After": "120" }),
      stream(text(job(1, "completed"))),
    );
    const events = allOf(server.client.events("j"));
    await vi.advanceTimersByTimeAsync(119_000);
    expect(server.requests).toHaveLength(2);
    await settled(events);
    expect(server.requests).toHaveLength(3);
  });

  test("reconnect when the connection is silent, but not while it has heartbeats", async () => {
    const heartbeats = Array.from({ length: 10 }, () => [15_000, ": still here\n\n"]).flat();
    const server = new FakeServer(
      () => new Response(bodyOf([...heartbeats, text(job(1, "mapping"))], true)),
      stream(text(job(2, "completed"))),
    );
    const events = allOf(server.client.events("j"));
    await vi.advanceTimersByTimeAsync(190_000);
    expect(server.requests).toHaveLength(1);
    expect(await settled(events)).toEqual([job(1, "mapping"), job(2, "completed")]);
    expect(server.header("Last-Event-ID")).toEqual(["0", "1"]);
  });

  test("close the connection when the caller stops reading", async () => {
    const body = bodyOf([text(job(1, "mapping"))], true);
    const server = new FakeServer(() => new Response(body));
    for await (const event of server.client.events("j")) if (event.id === 1) break;
    await vi.waitFor(() => expect(left.has(body)).toBe(true));
    expect(vi.getTimerCount()).toBe(0);
  });

  test("end with the signal's reason", async () => {
    const reason = new Error("enough");
    const abort = new AbortController();
    const server = new FakeServer(stream(lost), () => refusal());
    const events = rejectionOf(allOf(server.client.events("j", { signal: abort.signal })));
    await vi.advanceTimersByTimeAsync(60_000);
    abort.abort(reason);
    expect(await events).toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("waiting for a job", () => {
  test("reports its events, and returns it", async () => {
    const server = new FakeServer(
      stream(text(job(1, "mapping")), lost),
      stream(text(job(2, "completed"))),
      isNow("completed"),
    );
    const seen: JournalEvent[] = [];
    const waiting = server.client.jobs.wait("j", { onEvent: (event) => seen.push(event) });
    expect(await settled(waiting)).toEqual({ id: "j", status: "completed" });
    expect(seen).toEqual([job(1, "mapping"), job(2, "completed")]);
  });
});

describe("a followed log", () => {
  test("arrives as text, chunk by chunk", async () => {
    const [head, tail] = [Uint8Array.of(0x61, 0xc3), Uint8Array.of(0xa9, 0xff, 0x0a)];
    const server = new FakeServer(stream(head, tail));
    const pieces: string[] = [];
    for await (const piece of server.client.logs.follow("j", "t", 1)) pieces.push(piece);
    expect(pieces.join("|")).toBe("a|é\uFFFD\n");
  });

  test("fails with the cause when the connection is lost", async () => {
    const server = new FakeServer(stream("a\n", lost));
    const log = server.client.logs.follow("j", "t", 1);
    expect((await log.next()).value).toBe("a\n");
    expect(await rejectionOf(log.next())).toMatchObject({ name: "EdgefoldError", status: undefined, cause: lost });
  });

  test("closes the connection when the caller stops reading", async () => {
    const body = bodyOf(["a\n"], true);
    const server = new FakeServer(() => new Response(body));
    for await (const piece of server.client.logs.follow("j", "t", 1)) if (piece !== "") break;
    await vi.waitFor(() => expect(left.has(body)).toBe(true));
  });

  test("ends with the signal's reason even if the platform does not abort the body", async () => {
    const reason = new Error("enough");
    const abort = new AbortController();
    const body = bodyOf(["a\n"], true);
    const server = new FakeServer(() => new Response(body));
    const log = server.client.logs.follow("j", "t", 1, { signal: abort.signal });
    expect((await log.next()).value).toBe("a\n");
    const next = rejectionOf(log.next());
    abort.abort(reason);
    expect(await next).toBe(reason);
    expect(left.has(body)).toBe(true);
  });
});
