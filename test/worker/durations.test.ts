import { describe, expect, it } from "vitest";
import { leaseMs, retentionMs } from "../../worker/durations.ts";
import { call, openEnv, problemOf } from "./api.ts";

const faultOf = async (variables: Record<string, string>): Promise<string> => {
  const { type, detail } = await problemOf(await call("GET", "/api/v1/jobs", { env: { ...openEnv, ...variables } }));
  expect(type).toBe("urn:edgefold:problem:not-configured");
  return detail;
};

describe("JOB_RETENTION_DAYS", () => {
  it.each([
    [undefined, 30],
    ["", 30],
    ["1", 1],
    [" 90 ", 90],
    ["36500", 36_500],
  ])("%j means %i days", (JOB_RETENTION_DAYS, days) => {
    expect(retentionMs({ ...openEnv, JOB_RETENTION_DAYS })).toBe(days * 24 * 60 * 60 * 1000);
  });

  it.each(["0", "-1", "1.5", "30d", "36501", "for ever"])("must not be %j", async (JOB_RETENTION_DAYS) => {
    const rule = "JOB_RETENTION_DAYS must be a whole number of days, from 1 to 36500: correct it, or delete it for 30";
    expect(await faultOf({ JOB_RETENTION_DAYS })).toContain(rule);
  });
});

describe("LEASE_SECONDS", () => {
  it.each([
    [undefined, 30],
    ["", 30],
    ["5", 5],
    [" 90 ", 90],
    ["600", 600],
  ])("%j means %i seconds", (LEASE_SECONDS, seconds) => {
    expect(leaseMs({ ...openEnv, LEASE_SECONDS })).toBe(seconds * 1000);
  });

  it.each(["0", "-5", "4", "7.5", "30s", "601", "1e2", "0x10", "Infinity"])("must not be %j", async (LEASE_SECONDS) => {
    const rule = "LEASE_SECONDS must be a whole number of seconds, from 5 to 600: correct it, or delete it for 30";
    expect(await faultOf({ LEASE_SECONDS })).toContain(rule);
  });

  it("falls back to the default for running jobs if it is invalid", () => {
    expect(leaseMs({ ...openEnv, LEASE_SECONDS: "-5" })).toBe(30_000);
  });
});
