import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { closeCodes } from "../../shared/protocol/connection.ts";
import type { RunnerAnswer, RunnerSession } from "../../shared/protocol/runner.ts";
import { startExpiry } from "../../worker/job/runners/session-tokens.ts";
import { signRunnerToken, verifyRunnerToken } from "../../worker/secrets/tokens.ts";
import { call, closedEnv, openEnv, problemOf, runnerToken } from "./api.ts";
import { eventually } from "./eventually.ts";
import { claim, claimed, JobFixture, specOf, taskOf, type Runner } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

afterEach(hangUp);

const hour = 3_600_000;
const day = 24 * hour;
const job = "01890000-0000-7000-8000-000000000001";
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

describe("a runner's token", () => {
  const expires = 1_800_000_000_000;

  it("contains its job and its expiry", async () => {
    const token = await signRunnerToken(closedEnv, { jobId: job, expires });
    expect(token).toMatch(new RegExp(`^${job}\\.1800000000\\.[\\w-]{43}$`));
    expect(await verifyRunnerToken(closedEnv, token)).toEqual({ jobId: job, expires });
  });

  it("is invalid if any part of it is changed", async () => {
    const token = await signRunnerToken(closedEnv, { jobId: job, expires });
    const [, seconds, signature = ""] = token.split(".");
    const flipped = (signature.startsWith("A") ? "B" : "A") + signature.slice(1);
    for (const bad of [
      "",
      ".",
      "..",
      job,
      `${job}.${seconds}`,
      `${job}.${seconds}.`,
      `${job}.${signature}`,
      `other.${seconds}.${signature}`,
      `${job}.1900000000.${signature}`,
      `${job}.0${seconds}.${signature}`,
      `${job}.Infinity.${signature}`,
      `${job}.${seconds}.${flipped}`,
      `${job}.${seconds}.%`,
      `${token}AAAA`,
      ` ${token}`,
    ]) {
      expect(await verifyRunnerToken(closedEnv, bad)).toBeNull();
    }
    const otherKey = { ...closedEnv, SECRET_KEY: "another-key-of-thirty-two-characters" };
    expect(await verifyRunnerToken(otherKey, token)).toBeNull();
  });

  it.each([
    ["is accepted a second before its expiry", 1000, 426],
    ["is refused once it has expired", -1, 401],
  ])("%s", async (_, left, status) => {
    const token = await signRunnerToken(closedEnv, {
      jobId: job,
      expires: Math.floor(Date.now() / 1000) * 1000 + left,
    });
    const response = await call("GET", `/api/v1/jobs/${job}/link`, { env: closedEnv, headers: bearer(token) });
    const problem = await problemOf(response);
    expect(problem.status).toBe(status);
    if (status === 401) expect(problem.detail).toBe("The token has expired.");
  });
});

describe("the token with which runners start", () => {
  it("lasts until a day after the job's deadline, whenever it is issued", () => {
    const spec = specOf({ deadlineSeconds: 3600 });
    for (const later of [0, hour]) {
      expect(startExpiry(spec, spec.createdAt + later)).toBe(spec.createdAt + hour + day);
    }
  });

  it("lasts another day if the job is past its deadline, which a committing job can be", () => {
    const spec = specOf({ deadlineSeconds: 3600 });
    expect(startExpiry(spec, spec.createdAt + 3 * day)).toBe(spec.createdAt + 4 * day);
  });

  it("lasts as long as the longest possible deadline if the job has none", () => {
    const spec = specOf();
    expect(startExpiry(spec, spec.createdAt + day)).toBe(spec.createdAt + 367 * day);
  });
});

const expectSession = async (fixture: JobFixture, session: RunnerSession | undefined): Promise<void> => {
  const { seconds, token } = session ?? { seconds: 0, token: "" };
  expect(seconds).toBeGreaterThan(22 * 3600);
  expect(seconds).toBeLessThanOrEqual(24 * 3600);
  const found = await verifyRunnerToken(env, token);
  expect(found?.jobId).toBe(fixture.id);
  expect(Math.abs((found?.expires ?? 0) - (Date.now() + seconds * 1000))).toBeLessThan(10_000);
};

const sessionOf = (answer: RunnerAnswer): RunnerSession | undefined =>
  answer.kind === "welcome" || answer.kind === "next" ? answer.session : undefined;

/** Makes the tokens of connected runners look `ms` milliseconds older. */
const age = async (fixture: JobFixture, ms: number): Promise<void> => {
  await runInDurableObject(fixture.stub, (_, state) => {
    for (const socket of state.getWebSockets()) {
      const peer = z.looseObject({ renewed: z.int() }).parse(socket.deserializeAttachment());
      socket.serializeAttachment({ ...peer, renewed: peer.renewed - ms });
    }
  });
  await fixture.evict();
};

describe("a runner's link", () => {
  it("provides a token for a day in the welcome", async () => {
    const fixture = await JobFixture.create();
    const welcome = await fixture.hello(await fixture.dial());
    await expectSession(fixture, sessionOf(welcome));
  });

  it("renews the token once after a third of its time, in the next answer or the one after that", async () => {
    const fixture = await JobFixture.create();
    const runner = await fixture.runner();
    const plan = await claimed(runner);
    await age(fixture, 8 * hour - 60_000);
    expect(sessionOf(await claim(runner))).toBeUndefined();
    for (const ms of [60_000, 8 * hour]) {
      await age(fixture, ms);
      let session: RunnerSession | undefined;
      await eventually(async () => {
        session = sessionOf(await claim(runner));
        expect(session).toBeDefined();
      });
      await expectSession(fixture, session);
      expect(sessionOf(await claim(runner))).toBeUndefined();
    }
    expect(taskOf(await claim(runner))).toEqual(plan);
  });
});

const ended = async (): Promise<JobFixture> => {
  const fixture = await JobFixture.create();
  await fixture.stub.stop();
  return fixture;
};

describe("after the job's end, no token gives access to", () => {
  it("its link", async () => {
    const fixture = await ended();
    const runner: Runner = await fixture.dial();
    void fixture.hello(runner);
    expect(await runner.closed).toMatchObject({ code: closeCodes.ended });
  });

  it("its programs", async () => {
    const going = await JobFixture.create();
    expect(await going.stub.program("mapper")).toMatchObject({ name: "mapper" });
    const fixture = await ended();
    expect(await fixture.stub.program("mapper")).toBeNull();
    const headers = bearer(await runnerToken(openEnv, fixture.id));
    const response = await call("GET", `/api/v1/jobs/${fixture.id}/programs/mapper`, { headers });
    expect((await problemOf(response)).type).toBe("urn:edgefold:problem:unknown-program");
  });

  it("a job that has been erased", async () => {
    const headers = bearer(await runnerToken(openEnv, job));
    const response = await call("GET", `/api/v1/jobs/${job}/programs/mapper`, { headers });
    expect((await problemOf(response)).status).toBe(404);
  });
});
