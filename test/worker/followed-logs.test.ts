import { afterEach, describe, expect, it } from "vitest";
import { noCounters } from "../../shared/counters.ts";
import { Inbox } from "../../worker/http/inbox.ts";
import { followLog } from "../../worker/logs/followed-log.ts";
import { call, openEnv, problemOf, runnerToken } from "./api.ts";
import { eventually } from "./eventually.ts";
import { JobFixture, resultOf, type Runner } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

const open = new Set<Follower>();
afterEach(async () => {
  await Promise.all([...open].map(async (follower) => await follower.stop()));
  open.clear();
  await hangUp();
});

/** Follows a log. */
class Follower {
  text = "";
  readonly ended: Promise<string>;
  readonly #reader: ReadableStreamDefaultReader<string>;

  constructor({ body }: Response) {
    if (body === null) throw new Error("there is no body");
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
    this.ended = this.#read();
    open.add(this);
  }

  async #read(): Promise<string> {
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return this.text;
      this.text += value;
    }
  }

  async has(text: string): Promise<void> {
    await eventually(() => expect(this.text).toBe(text));
  }

  async stop(): Promise<void> {
    await this.#reader.cancel();
  }
}

/** A job whose first map is running, and its runner, which by default supports following. */
const scene = async (changes: Record<string, unknown> = {}, features = ["follow"]) => {
  const job = await JobFixture.create(changes);
  const runner = await job.runner("runner", null, features);
  const task = await job.planned(runner);
  const { attempt } = task;
  const token = await runnerToken(openEnv, job.id);
  const store = async (text: string, length = text.length): Promise<void> => {
    const body = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
    const put = await call("PUT", `/api/v1/jobs/${job.id}/attempts/${attempt}/log?length=${length}`, {
      headers: { Authorization: `Bearer ${token}` },
      body: await new Response(body).arrayBuffer(),
    });
    expect(put.status).toBe(204);
  };
  const follow = async (query = ""): Promise<Follower> => {
    const path = `/api/v1/jobs/${job.id}/tasks/${job.id}-m-0/attempts/1/log?follow=true${query}`;
    const answer = await call("GET", path);
    expect([answer.status, answer.headers.get("Content-Type")]).toEqual([200, "text/plain; charset=utf-8"]);
    return new Follower(answer);
  };
  const send = async (offset: number, text: string, by: Runner = runner): Promise<void> => {
    expect(await by.request({ kind: "log", attempt, offset, content: btoa(text) })).toMatchObject({ kind: "done" });
  };
  /** Ends the attempt. */
  const finish = async (logBytes?: number): Promise<void> => {
    await runner.request({ kind: "complete", attempt, result: resultOf(task), counters: noCounters, logBytes });
  };
  return { job, runner, attempt, store, follow, send, finish };
};

const told = ({ notices }: Runner): string[] => notices.map(({ kind }) => kind).filter((kind) => kind !== "wake");

describe("a followed log", () => {
  it("contains what is stored, then what the runner sends, until the attempt ends", async () => {
    const { runner, attempt, store, follow, send, finish } = await scene();
    await store("one\n");
    const follower = await follow();
    await eventually(() => expect(runner.notices).toContainEqual({ kind: "follow", attempt }));
    await follower.has("one\n");
    await send(4, "two\n");
    await follower.has("one\ntwo\n");
    await send(8, "three\n");
    await finish();
    expect(await follower.ended).toBe("one\ntwo\nthree\n");
  });

  it("contains each byte once, and says what is left out", async () => {
    const { store, follow, send, finish } = await scene();
    await store("0123");
    const follower = await follow();
    await follower.has("0123");
    await send(0, "01");
    await send(2, "234567");
    await send(2, "234567");
    await send(1000, "end");
    await finish();
    expect(await follower.ended).toBe("01234567\n[… 992 bytes are left out …]\nend");
  });

  it("contains what the runner stored before it knew of the follower", async () => {
    const { store, follow, send, finish } = await scene();
    const follower = await follow();
    await store("one\n");
    await send(4, "two\n");
    await follower.has("one\ntwo\n");
    await store("one\ntwo\nthree\n");
    await send(12, "e\nfour\n");
    await finish();
    expect(await follower.ended).toBe("one\ntwo\nthree\nfour\n");
  });

  it("contains the end that a runner stored before it was gone", async () => {
    const { store, follow, send, finish } = await scene();
    const follower = await follow();
    await send(0, "01");
    await follower.has("01");
    await store("0123456789");
    await finish();
    expect(await follower.ended).toBe("0123456789");
  });

  it("contains the end that is stored after the attempt has ended", async () => {
    const { store, follow, send, finish } = await scene();
    const follower = await follow();
    await send(0, "one\n");
    await follower.has("one\n");
    await finish("one\ntwo\n".length);
    await store("one\n");
    await store("one\ntwo\n");
    expect(await follower.ended).toBe("one\ntwo\n");
    expect(await (await follow("&tail=1")).ended).toBe("two\n");
  });

  it("begins with its last lines if they are requested", async () => {
    const { store, follow, send, finish } = await scene();
    await store("one\ntwo\nthree\n");
    const follower = await follow("&tail=1");
    await send(14, "four\n");
    await finish();
    expect(await follower.ended).toBe("three\nfour\n");
  });

  it("is sent by its runner only while somebody follows it", async () => {
    const { job, runner, follow, send } = await scene();
    const [first, second] = [await follow(), await follow()];
    // Each follower starts at the end of the stored log.
    await eventually(() => expect(told(runner)).toEqual(["follow", "follow"]));
    await first.stop();
    await job.describe();
    expect(told(runner)).toEqual(["follow", "follow"]);
    await second.stop();
    await eventually(() => expect(told(runner)).toEqual(["follow", "follow", "unfollow"]));
    // A runner that missed the notice gets it again.
    await send(0, "one\n");
    await eventually(() => expect(told(runner)).toEqual(["follow", "follow", "unfollow", "unfollow"]));
  });

  it("is no longer sent to a client that has disconnected", async () => {
    const { job, runner } = await scene();
    const abort = new AbortController();
    const path = `/api/v1/jobs/${job.id}/tasks/${job.id}-m-0/attempts/1/log?follow=true`;
    const follower = new Follower(await call("GET", path, { signal: abort.signal }));
    abort.abort();
    expect(await follower.ended).toBe("");
    await eventually(() => expect(told(runner)).toEqual(["follow", "unfollow"]));
  });

  it("continues after its runner reconnects, and after the object has hibernated", async () => {
    const { job, attempt, follow, send } = await scene();
    const follower = await follow();
    await send(0, "one\n");
    await follower.has("one\n");
    await job.evict();
    await send(4, "two\n");
    await follower.has("one\ntwo\n");
    const again = await job.runner("runner", attempt, ["follow"]);
    await eventually(() => expect(told(again)).toEqual(["follow"]));
    await send(4, "two\nthree\n", again);
    await follower.has("one\ntwo\nthree\n");
  });

  it("asks nothing of runners that do not support following", async () => {
    const { runner, store, follow, finish } = await scene({}, []);
    const follower = await follow();
    await store("one\n");
    await finish();
    expect(await follower.ended).toBe("one\n");
    expect(told(runner)).toEqual([]);
  });

  it("contains everything that is stored once the attempt has ended", async () => {
    const { runner, store, follow, finish } = await scene();
    await store("one\n");
    await finish();
    expect(await (await follow()).ended).toBe("one\n");
    expect(told(runner)).toEqual([]);
  });

  it("ends with the job", async () => {
    const { job, runner, attempt, follow } = await scene();
    const follower = await follow();
    await job.stub.stop();
    await runner.request({ kind: "release", attempt, reason: "it was revoked" });
    expect(await follower.ended).toBe("");
  });

  it.each(["follow=yes", "follow=true&tail=x"])("is refused: %s", async (query) => {
    const { job } = await scene();
    const answer = await call("GET", `/api/v1/jobs/${job.id}/tasks/${job.id}-m-0/attempts/1/log?${query}`);
    expect((await problemOf(answer)).status).toBe(400);
  });
});

it("the stored end of a long log contains what fits, and a line for the rest", async () => {
  const tail = "x".repeat(960 * 1024);
  const logs = [new TextEncoder().encode("ab"), new TextEncoder().encode(`head\n[… 9 bytes are left out …]\n${tail}`)];
  const read = async () => ({ text: logs.shift() ?? new Uint8Array(), length: logs.length === 1 ? 2 : 5_000_000 });
  let text = "";
  for await (const piece of followLog(new Inbox(null), read, () => 0)) text += new TextDecoder().decode(piece);
  expect(text).toBe(`ab\n[… ${5_000_000 - 2 - tail.length} bytes are left out …]\n${tail}`);
});
