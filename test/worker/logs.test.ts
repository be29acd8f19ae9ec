import { env } from "cloudflare:test";
import { afterEach, describe, expect, it } from "vitest";
import { AttemptSchema } from "../../shared/api/attempts.ts";
import { call, closedEnv, jsonOf, openEnv, problemOf, runnerToken } from "./api.ts";
import { eventually } from "./eventually.ts";
import { JobFixture, work } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

afterEach(hangUp);

const gzip = async (text: string): Promise<ArrayBuffer> =>
  await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();

/** A job whose first map is running, with functions to store and read its log. */
const scene = async () => {
  const job = await JobFixture.create();
  const runner = await job.runner();
  const { attempt } = await job.planned(runner);
  const token = await runnerToken(openEnv, job.id);
  const put = async (text: string, of = attempt, length = text.length) =>
    await call("PUT", `/api/v1/jobs/${job.id}/attempts/${of}/log?length=${length}`, {
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/gzip" },
      body: await gzip(text),
    });
  const path = `/api/v1/jobs/${job.id}/tasks/${job.id}-m-0/attempts/1`;
  const get = async (query = "", headers: Record<string, string> = {}) =>
    await call("GET", `${path}/log${query}`, { headers });
  return { job, runner, put, get, path };
};

const keys = async (jobId: string): Promise<string[]> =>
  (await env.ARTIFACTS.list({ prefix: `logs/${jobId}/` })).objects.map(({ key }) => key);

describe("the log of an attempt", () => {
  it("is the latest that its runner has sent", async () => {
    const { put, get, path } = await scene();
    const none = await get();
    expect([none.status, await none.text()]).toEqual([200, ""]);
    expect((await jsonOf(AttemptSchema, await call("GET", path))).logBytes).toBeNull();
    expect((await put("one\n")).status).toBe(204);
    expect((await put("one\ntwo\n", undefined, 5_000_000)).status).toBe(204);
    const log = await get();
    expect(log.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
    expect(await log.text()).toBe("one\ntwo\n");
    expect((await jsonOf(AttemptSchema, await call("GET", path))).logBytes).toBe(5_000_000);
  });

  it("is waited for if the attempt has just ended", async () => {
    const { job, runner, put, get, path } = await scene();
    const attempt = `${job.id}-m-0-1`;
    await put("one\n");
    const error = { code: "Failed", message: "no", final: false };
    await runner.request({ kind: "fail", attempt, error, logBytes: 8 });
    const log = get();
    expect((await jsonOf(AttemptSchema, await call("GET", path))).logBytes).toBe(8);
    await put("one\ntwo\n");
    expect(await (await log).text()).toBe("one\ntwo\n");
    // A late log that is shorter changes nothing.
    await put("one\n");
    expect((await jsonOf(AttemptSchema, await call("GET", path))).logBytes).toBe(8);
  });

  it.each([
    ["?tail=0", ""],
    ["?tail=1", "three\n"],
    ["?tail=2", "\nthree\n"],
    ["?tail=9", "one\ntwo\n\nthree\n"],
  ])("can be read from the end: %s", async (query, expected) => {
    const { put, get } = await scene();
    await put("one\ntwo\n\nthree\n");
    expect(await (await get(query)).text()).toBe(expected);
  });

  it("can be read from the end even if it begins with an empty line", async () => {
    const { put, get } = await scene();
    await put("\none\n");
    const ends = await Promise.all([1, 2, 9].map(async (lines) => await (await get(`?tail=${lines}`)).text()));
    expect(ends).toEqual(["one\n", "\none\n", "\none\n"]);
  });

  it.each([
    ["bytes=2-4", 206, "cde", "bytes 2-4/10"],
    ["bytes=7-", 206, "hij", "bytes 7-9/10"],
    ["bytes=-2", 206, "ij", "bytes 8-9/10"],
    ["bytes=5-99", 206, "fghij", "bytes 5-9/10"],
    ["bytes=0-1,4-5", 200, "abcdefghij", null],
    ["lines=0-1", 200, "abcdefghij", null],
  ])("can be read in part: %s", async (range, status, text, contentRange) => {
    const { put, get } = await scene();
    await put("abcdefghij");
    const answer = await get("", { Range: range });
    expect([answer.status, await answer.text(), answer.headers.get("Content-Range")]).toEqual([
      status,
      text,
      contentRange,
    ]);
  });

  it("has no bytes beyond its end", async () => {
    const { put, get } = await scene();
    await put("abc");
    const answer = await get("", { Range: "bytes=3-" });
    expect(answer.headers.get("Content-Range")).toBe("bytes */3");
    expect((await problemOf(answer)).status).toBe(416);
  });

  it("is accepted only for attempts of the job, and only from its runners", async () => {
    const { job, put } = await scene();
    const other = await JobFixture.create();
    for (const attempt of [`${job.id}-m-0-9`, `${other.id}-m-0-1`, `${job.id}-x`]) {
      expect((await problemOf(await put("x", attempt))).status).toBe(404);
    }
    expect([await keys(job.id), await keys(other.id)]).toEqual([[], []]);
    const path = `/api/v1/jobs/${job.id}/attempts/${job.id}-m-0-1/log?length=1`;
    expect((await call("PUT", path, { body: "x", env: closedEnv })).status).toBe(401);
    const large = new Uint8Array(2 * 1024 * 1024 + 1);
    const headers = { Authorization: `Bearer ${await runnerToken(openEnv, job.id)}` };
    expect((await call("PUT", path, { body: large, headers })).status).toBe(413);
  });

  it("is deleted with its job", async () => {
    const { job, runner, put } = await scene();
    await put("one\n");
    expect(await keys(job.id)).toHaveLength(1);
    await work(runner);
    const purge = `/api/v1/jobs/${job.id}?purge=true`;
    await eventually(async () => expect((await call("DELETE", purge)).status).toBe(200));
    await eventually(async () => expect(await keys(job.id)).toEqual([]));
    expect((await put("two\n")).status).toBe(404);
    expect(await keys(job.id)).toEqual([]);
  });
});
