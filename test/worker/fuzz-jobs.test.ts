import * as fc from "fast-check";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { JobRequestSchema } from "../../shared/api/job-request.ts";
import { JobSchema } from "../../shared/api/jobs.ts";
import { ProblemSchema } from "../../shared/api/problems.ts";
import { call, upload } from "./api.ts";
import { saneAnswer, expectNoErrors } from "./fuzz/answers.ts";
import { nearlyValid, valid } from "./fuzz/schemas.ts";
import { hostile } from "./fuzz/values.ts";

/** The REST API answers every request: with a problem if it refuses it, and never with an internal error. */

expectNoErrors();

beforeAll(async () => {
  // No notifications are sent for these jobs.
  vi.stubGlobal("fetch", async () => new Response(null, { status: 204 }));
  for (const name of ["mapper", "reducer"]) expect((await upload(name, "#!/bin/sh\ncat\n")).status).toBe(200);
});

const json = { "Content-Type": "application/json" };

/** Drops the invalid fields: JSON Schema does not express every rule for a request. */
const repaired = (request: object): object => {
  const faults = JobRequestSchema.safeParse(request).error?.issues.map(({ path }) => path[0]) ?? [];
  return Object.fromEntries(Object.entries(request).filter(([name]) => !faults.includes(name)));
};

/** Valid requests. */
const startable = valid(JobRequestSchema).map((request) =>
  repaired({
    ...(typeof request === "object" ? request : {}),
    inputPath: "http://h/b/k",
    outputPath: "http://h",
    mapperName: "mapper",
    reducerName: undefined,
    combinerName: undefined,
    aggregate: undefined,
    reducerArgs: undefined,
    combinerArgs: undefined,
    files: ["reducer", "mapper"],
    archives: undefined,
    nReducers: 0,
    cluster: undefined,
  }),
);
const requests = fc.oneof(
  { weight: 2, arbitrary: startable },
  { weight: 2, arbitrary: valid(JobRequestSchema) },
  { weight: 5, arbitrary: nearlyValid(JobRequestSchema) },
  { weight: 1, arbitrary: hostile },
);

/** The invalid fields that a response body lists. Undefined if it is not a problem. */
const faultsIn = (body: string): string[] | undefined =>
  ProblemSchema.safeParse(JSON.parse(body)).data?.errors?.map(({ field }) => field);

const post = async (request: unknown): Promise<string> =>
  await saneAnswer(call("POST", "/api/v1/jobs", { headers: json, body: JSON.stringify(request) }));

const fields = Object.keys(JobRequestSchema.shape);

describe("POST /api/v1/jobs", () => {
  it("handles any JSON, and names the invalid fields", async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(requests, async (request) => {
        const body = await post(request);
        const faults = faultsIn(body);
        if (faults === undefined) accepted += JobSchema.parse(JSON.parse(body)).status === "pending" ? 1 : 0;
        if (typeof request !== "object" || request === null || Array.isArray(request)) expect(faults).toEqual([""]);
        else {
          const names = [...fields, ...Object.keys(request)];
          for (const fault of faults ?? []) {
            expect(names.some((name) => fault === name || fault.startsWith(`${name}.`))).toBe(true);
          }
        }
      }),
      { numRuns: 250 },
    );
    expect(accepted).toBeGreaterThan(20);
  });

  it("handles any value of a field, and names that field or one that depends on it", async () => {
    const request = { inputPath: "http://h/b/k", outputPath: "http://h", mapperName: "mapper", reducerName: "reducer" };
    const others = ["nReducers", "reducerName", "combinerName"];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...fields, "__proto__", "constructor", ""), hostile, async (field, value) => {
        const entries = [...Object.entries(request).filter(([name]) => name !== field), [field, value] as const];
        for (const fault of faultsIn(await post(Object.fromEntries(entries))) ?? []) {
          expect([field, ...others].some((name) => fault === name || fault.startsWith(`${name}.`))).toBe(true);
        }
      }),
      { numRuns: 250 },
    );
  });

  it("handles any bytes, complete or not", async () => {
    const whole = JSON.stringify({ inputPath: "http://h/b/k", outputPath: "http://h", mapperName: "mapper" });
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat({ max: whole.length }).map((end) => new TextEncoder().encode(whole.slice(0, end))),
      fc.tuple(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 })).map(([at, byte]) => {
        const changed = new TextEncoder().encode(whole);
        changed[at] = byte;
        return changed;
      }),
      fc
        .constantFrom("[".repeat(100_000), '{"a":'.repeat(50_000), "1e".repeat(9), `"${"\\u0000".repeat(1000)}"`)
        .map((odd) => new TextEncoder().encode(odd)),
    );
    const types = fc.constantFrom(
      "application/json",
      "application/json; charset=utf-16",
      "APPLICATION/JSON;",
      "application/json, text/plain",
      "",
      ";",
      "multipart/form-data; boundary=x",
    );
    await fc.assert(
      fc.asyncProperty(bytes, types, async (body, type) => {
        await saneAnswer(
          call("POST", "/api/v1/jobs", { headers: { "Content-Type": type }, body: Uint8Array.from(body) }),
        );
      }),
      { numRuns: 200 },
    );
  });

  it("handles any Idempotency-Key", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.integer({ min: 1, max: 127 }).map((code) => String.fromCharCode(code)) }),
        async (key) => {
          let headers: Record<string, string>;
          try {
            headers = Object.fromEntries(new Headers({ ...json, "Idempotency-Key": key }));
          } catch {
            return; // No client can send this key.
          }
          await saneAnswer(call("POST", "/api/v1/jobs", { headers, body: "{}" }));
        },
      ),
      { numRuns: 100 },
    );
  });
});
