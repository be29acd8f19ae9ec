import { env, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { JobDetailSchema } from "../../shared/api/jobs.ts";
import { NotificationKeySchema } from "../../shared/api/notification.ts";
import type { Env } from "../../worker/env.ts";
import { signNotification } from "../../worker/secrets/notification-keys.ts";
import { apiToken, call, closedEnv, jsonOf, openEnv, postJob, problemOf, upload } from "./api.ts";
import { eventually } from "./eventually.ts";
import { JobFixture, present, work } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

const canary = "canary-of-a-webhook";
const url = `https://hooks.example.com/services/${canary}`;

type Received = { readonly url: string; readonly headers: Headers; readonly body: string; readonly redirect: string };

/** What was sent, and the receiver's next answers. Once there are none left, it answers 204. */
let received: Received[];
let answers: (() => Response)[];

beforeEach(() => {
  received = [];
  answers = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (to, init) => {
    const { url: target, headers, body, redirect } = new Request(to, init);
    received.push({ url: target, headers, body: await new Response(body).text(), redirect });
    return (answers.shift() ?? (() => new Response(null, { status: 204 })))();
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await hangUp();
});

const status = (code: number) => (): Response => new Response("what a receiver says", { status: code });
const notified = async (job: JobFixture) => present(await job.stub.describe()).notification;

/** Creates a job with a notification URL, and runs it to its end. */
const endedJob = async (): Promise<JobFixture> => {
  const job = await JobFixture.create({ notify: { url } });
  expect(await notified(job)).toEqual({ status: "waiting", attempts: 0, lastError: null });
  await work(await job.runner());
  return job;
};

/** Makes the next attempt due at once, in a new instance of the object. */
const tryAgain = async (job: JobFixture): Promise<void> => {
  await job.query("UPDATE notification SET due = 1");
  await runDurableObjectAlarm(job.stub);
};

/** HMAC-SHA256 in hex, computed independently of the code under test. */
const hmacOf = async (key: string, text: string): Promise<string> => {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", encoder.encode(key), algorithm, false, ["sign"]);
  return [...new Uint8Array(await crypto.subtle.sign("HMAC", imported, encoder.encode(text)))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
};

const keysOf = async (of: Env): Promise<string[]> => {
  const headers = { Authorization: `Bearer ${apiToken}` };
  return (await jsonOf(NotificationKeySchema, await call("GET", "/api/v1/notification-key", { env: of, headers })))
    .keys;
};

describe("the notification of a job's end", () => {
  it("is sent once, signed, and shows the job as the API does", async () => {
    const job = await endedJob();
    await eventually(async () =>
      expect(await notified(job)).toEqual({ status: "delivered", attempts: 1, lastError: null }),
    );
    expect(received).toMatchObject([{ url, redirect: "manual" }]);
    const [{ headers, body } = { headers: new Headers(), body: "" }] = received;
    expect(headers.get("Content-Type")).toBe("application/json");
    expect(headers.get("Edgefold-Job")).toBe(job.id);
    const told = JobDetailSchema.parse(JSON.parse(body));
    const shown = present(await job.stub.describe());
    expect(told).toMatchObject({ id: job.id, status: "completed", endTime: shown.endTime, outputs: shown.outputs });

    const [, seconds = "", signature] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers.get("Edgefold-Signature") ?? "") ?? [];
    expect(Math.abs(Number(seconds) * 1000 - Date.now())).toBeLessThan(60_000);
    const [key = ""] = await keysOf({ ...openEnv, SECRET_KEY: env.SECRET_KEY });
    expect(signature).toBe(await hmacOf(key, `${seconds}.${body}`));
    await job.evict();
    await runDurableObjectAlarm(job.stub);
    expect(received).toHaveLength(1);
  });

  it.each(["stopped", "failed"] as const)("is sent for a job that was %s", async (end) => {
    const job = await JobFixture.create({ notify: { url } });
    if (end === "stopped") await job.stub.stop();
    else await job.report({ kind: "failed", failure: { code: "Broken", message: "no" } });
    await eventually(async () => expect(await notified(job)).toMatchObject({ status: "delivered" }));
    expect(received.map(({ body }) => JobDetailSchema.parse(JSON.parse(body)).status)).toEqual([end]);
  });

  it("is sent again when a kept job has been resumed", async () => {
    const job = await JobFixture.create({ notify: { url }, keepFailedSeconds: 600 });
    await job.mapped(await job.runner());
    await job.report({ kind: "failed", failure: { code: "Broken", message: "no" } });
    await eventually(async () => expect(await notified(job)).toMatchObject({ status: "delivered" }));
    const { request } = present(await job.stub.request());
    const change = { request, changed: [], programs: {}, files: [], archives: [] };
    expect(await job.stub.resume(change)).toMatchObject({ notification: { status: "waiting", attempts: 0 } });
    await work(await job.runner("second"));
    await eventually(async () => expect(await notified(job)).toMatchObject({ status: "delivered" }));
    expect(received.map(({ body }) => JobDetailSchema.parse(JSON.parse(body)).status)).toEqual(["failed", "completed"]);
    expect(await job.query("SELECT sealed FROM notification")).toEqual([{ sealed: null }]);
  });

  it("is retried with the same id until it is accepted", async () => {
    answers = [
      status(500),
      status(302),
      () => {
        throw new TypeError(`cannot connect to ${url}`);
      },
      status(429),
    ];
    const job = await endedJob();
    const errors = ["answered with 500", "answered with 302", "could not be reached", "answered with 429"];
    for (const [tries, error] of errors.entries()) {
      if (tries > 0) await tryAgain(job);
      const lastError = expect.stringContaining(error);
      await eventually(async () =>
        expect(await notified(job)).toEqual({ status: "waiting", attempts: tries + 1, lastError }),
      );
    }
    const [row] = await job.query("SELECT due FROM notification");
    expect(Number(row?.["due"])).toBeGreaterThan(Date.now() + 5000);
    expect(await job.alarm()).toBe(row?.["due"]);
    await tryAgain(job);
    await eventually(async () =>
      expect(await notified(job)).toEqual({ status: "delivered", attempts: 5, lastError: null }),
    );
    const { endTime } = await job.describe();
    const deliveries = received.map(({ headers }) => headers.get("Edgefold-Delivery"));
    expect(deliveries).toEqual(Array(5).fill(`${job.id}.${endTime}`));
  });

  it.each([
    ["after a day", status(500), "UPDATE job SET row = json_set(row, '$.endedAt', (row ->> '$.endedAt') - 90000000)"],
    ["at once when the receiver is gone", status(410), undefined],
  ])("is abandoned %s", async (_, answer, aged) => {
    answers = [status(500), answer];
    const job = await endedJob();
    await eventually(async () => expect(await notified(job)).toMatchObject({ attempts: 1 }));
    if (aged !== undefined) await job.query(aged);
    await tryAgain(job);
    const { status: code } = answer();
    const lastError = `the receiver answered with ${code}`;
    await eventually(async () => expect(await notified(job)).toEqual({ status: "given-up", attempts: 2, lastError }));
    expect((await job.describe()).conditions).toMatchObject([
      { type: "NotificationFailed", message: `Nobody could be notified of the job's end: ${lastError}.` },
    ]);
    expect(await job.query("SELECT sealed, due FROM notification")).toEqual([{ sealed: null, due: null }]);
  });

  it("does not prevent the removal of the job", async () => {
    answers = [status(500)];
    const job = await endedJob();
    await eventually(async () => expect(await notified(job)).toMatchObject({ attempts: 1 }));
    await eventually(async () => expect(await job.stub.erase()).toBe(true));
    expect(await runDurableObjectAlarm(job.stub)).toBe(false);
    expect(received).toHaveLength(1);
  });

  it("is not sent if nobody is to be notified", async () => {
    const job = await JobFixture.create();
    await job.stub.stop();
    expect(await notified(job)).toBeNull();
    expect(received).toEqual([]);
  });
});

describe("the URL", () => {
  it("is never revealed, and stays sealed until it is no longer needed", async () => {
    const logged: unknown[] = [];
    for (const level of ["error", "warn", "log"] as const) {
      vi.spyOn(console, level).mockImplementation((...args: unknown[]) => void logged.push(args.map(String)));
    }
    answers = [
      () => {
        throw new TypeError(`cannot connect to ${url}`);
      },
    ];
    const job = await endedJob();
    await eventually(async () => expect(await notified(job)).toMatchObject({ attempts: 1 }));
    const tables = await job.query(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
    );
    const stored = await Promise.all(tables.map(async ({ name }) => await job.query(`SELECT * FROM ${name}`)));
    const told = [
      present(await job.stub.describe()),
      present(await job.stub.request()),
      received.map(({ body }) => body),
    ];
    expect(JSON.stringify([stored, told, logged])).not.toContain(canary);
    expect(present(await job.stub.request()).sealed).toContain("notify");
    // It is kept apart from the credentials, which are already erased.
    expect(await job.query("SELECT length(sealed) > 0 AS kept FROM notification")).toEqual([{ kept: 1 }]);
    await tryAgain(job);
    await eventually(async () => expect(await notified(job)).toMatchObject({ status: "delivered" }));
    expect(await job.query("SELECT sealed FROM notification")).toEqual([{ sealed: null }]);
  });

  const request = {
    inputPath: "http://minio:9000/test/test.txt",
    outputPath: "http://minio:9000",
    mapperName: "mapper",
    nReducers: 0,
  };
  const post = async (to: string, of: Env): Promise<Response> =>
    await call("POST", "/api/v1/jobs", {
      env: of,
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${apiToken}` },
      body: JSON.stringify({ ...request, notify: { url: to } }),
    });

  it.each([
    ["hooks.example.com", "must be a URL that begins with https:// or http://"],
    ["ftp://hooks.example.com", "must be a URL that begins with https:// or http://"],
    [`https://me:${canary}@hooks.example.com`, "must not hold a user name or a password"],
    ["http://169.254.169.254/latest", "which 169.254.169.254 cannot be: it is a link-local address"],
    ["http://metadata.google.internal/", "it is the name of a cloud's metadata"],
    ["http://localhost:9000/", "this host is the Worker's own machine"],
    ["http://x.localhost/", "this host is the Worker's own machine"],
    ["http://127.1/", "this host is the Worker's own machine"],
    ["http://[::ffff:127.0.0.1]/", "this host is the Worker's own machine"],
  ])("%s is refused", async (to, message) => {
    const problem = await problemOf(await post(to, closedEnv));
    expect(problem).toMatchObject({ status: 400, errors: [{ field: "notify.url" }] });
    expect(problem.detail).toContain(message);
    expect(problem.detail).not.toContain(canary);
  });

  it("may be a loopback address in development, and must be given again for a rerun", async () => {
    await upload("mapper", "#!mapper");
    const job = await jsonOf(JobDetailSchema, await post("http://localhost:9000/", openEnv));
    expect(job.notification).toEqual({ status: "waiting", attempts: 0, lastError: null });
    expect(job.request).not.toHaveProperty("notify");
    const rerun = async (changes: object): Promise<Response> =>
      await call("POST", `/api/v1/jobs/${job.id}/rerun`, {
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(changes),
      });
    expect((await problemOf(await rerun({}))).errors).toMatchObject([{ field: "notify" }]);
    expect((await jsonOf(JobDetailSchema, await rerun({ notify: null }))).notification).toBeNull();
    const unknown = await problemOf(await postJob({ ...request, notify: { url, method: "PUT" } }));
    expect(unknown.errors).toMatchObject([{ field: "notify.method" }]);
  });
});

it("a notification is signed with both keys while they are rotated", async () => {
  const changing = { ...closedEnv, SECRET_KEY_PREVIOUS: `${closedEnv.SECRET_KEY}-of-before` };
  const [current, other, ...more] = await keysOf(changing);
  expect([current, more]).toEqual([...(await keysOf(closedEnv)), []]);
  const signatures = [await hmacOf(current ?? "", "1700000000.{}"), await hmacOf(other ?? "", "1700000000.{}")];
  expect(new Set(signatures).size).toBe(2);
  expect(await signNotification(changing, 1_700_000_000_999, "{}")).toBe(
    `t=1700000000,${signatures.map((signature) => `v1=${signature}`).join(",")}`,
  );
});
