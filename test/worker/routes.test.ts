import { describe, expect, it } from "vitest";
import { call, postJob, problemOf } from "./api.ts";

const job = "00000000-0000-7000-8000-000000000000";

describe("methods", () => {
  it.each([
    ["PATCH", "/api/v1/artifacts", "GET, HEAD, PUT"],
    ["POST", "/api/v1/artifacts", "GET, HEAD, PUT"],
    ["PUT", "/api/v1/artifacts/x", "GET, HEAD, DELETE"],
    ["DELETE", "/api/v1/artifacts/x/content", "GET, HEAD"],
    ["PUT", "/api/v1/jobs", "GET, HEAD, POST"],
    ["POST", `/api/v1/jobs/${job}`, "GET, HEAD, DELETE"],
    ["DELETE", `/api/v1/jobs/${job}/tasks`, "GET, HEAD"],
    ["POST", "/", "GET, HEAD"],
    ["OPTIONS", "/openapi.json", "GET, HEAD"],
  ])("%s %s is 405 with Allow: %s", async (method, path, allow) => {
    const response = await call(method, path);
    expect(response.headers.get("Allow")).toBe(allow);
    const { type, detail } = await problemOf(response);
    expect([type, detail]).toEqual([
      "urn:edgefold:problem:method-not-allowed",
      `Method not allowed. Allowed: ${allow}.`,
    ]);
    expect(response.status).toBe(405);
  });

  it("says what to call when a job is stopped without an id", async () => {
    const response = await call("DELETE", "/api/v1/jobs");
    expect([response.status, response.headers.get("Allow")]).toEqual([405, "GET, HEAD, POST"]);
    expect((await problemOf(response)).detail).toBe(
      "Name the job to stop: DELETE /api/v1/jobs/{id}. Allowed: GET, HEAD, POST.",
    );
  });

  it.each(["/", "/openapi.json", "/api/v1/artifacts", "/api/v1/jobs"])(
    "answers HEAD %s without a body",
    async (path) => {
      const [get, head] = [await call("GET", path), await call("HEAD", path)];
      expect(head.status).toBe(200);
      expect(head.headers.get("Content-Type")).toBe(get.headers.get("Content-Type"));
      expect(await head.text()).toBe("");
      await get.body?.cancel();
    },
  );
});

describe("paths", () => {
  it.each(["/nothing", "/api", "/api/v2/jobs", "/api/v1/artifacts/a/b", `/api/v1/jobs/${job}/nothing`])(
    "%s is 404",
    async (path) => {
      const response = await call("GET", path);
      expect(response.status).toBe(404);
      expect((await problemOf(response)).type).toBe("urn:edgefold:problem:unknown-path");
    },
  );

  it.each(["/api/v1/artifacts", "/api/v1/jobs"])("%s/ is the same without the slash", async (path) => {
    for (const variant of [path, `${path}/`, `${path}//`]) {
      const response = await call("GET", variant);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual([]);
    }
  });

  it.each([
    ["GET", `/api/v1/jobs/${job}`, "unknown-job"],
    ["DELETE", `/api/v1/jobs/${job}`, "unknown-job"],
    ["GET", `/api/v1/jobs/${job}/tasks/`, "unknown-job"],
    ["GET", "/api/v1/artifacts/nothing", "unknown-artifact"],
    ["GET", "/api/v1/artifacts/a%2Fb", "unknown-artifact"],
    ["DELETE", "/api/v1/artifacts/nothing", "unknown-artifact"],
    ["GET", "/api/v1/artifacts/nothing/content", "unknown-artifact"],
  ])("%s %s is 404 %s", async (method, path, kind) => {
    const response = await call(method, path);
    expect(response.status).toBe(404);
    expect((await problemOf(response)).type).toBe(`urn:edgefold:problem:${kind}`);
  });

  it("refuses a path that is not UTF-8", async () => {
    const response = await call("GET", "/api/v1/artifacts/%FF");
    expect(response.status).toBe(400);
    expect((await problemOf(response)).type).toBe("urn:edgefold:problem:malformed-path");
  });

  it("has no broken links at the root", async () => {
    const response = await call("GET", "/");
    const { links, name, version } = await response.json<{
      links: Record<string, string>;
      name: string;
      version: string;
    }>();
    expect([name, version]).toEqual(["edgefold", expect.stringMatching(/^\d+\.\d+\.\d+$/)]);
    for (const link of Object.values(links)) {
      const target = await call("GET", link.replaceAll(/\{\w+\}/g, "x"));
      if (!target.ok) expect((await problemOf(target)).type).toMatch(/unknown-(artifact|job|token)$/);
      else await target.body?.cancel();
    }
  });
});

describe("queries", () => {
  it.each(["limit=0", "limit=1001", "limit=-1", "limit=x", "limit=1.5", "limit=", "after=%20"])(
    "refuses ?%s",
    async (query) => {
      const response = await call("GET", `/api/v1/artifacts?${query}`);
      expect(response.status).toBe(400);
      expect((await problemOf(response)).errors?.[0]?.field).toBe(query.split("=")[0]);
    },
  );
});

describe("bodies", () => {
  it.each([
    ["POST", "/api/v1/jobs", "text/plain", "application/json"],
    ["POST", "/api/v1/jobs", "application/x-www-form-urlencoded", "application/json"],
    ["PUT", "/api/v1/artifacts", "application/json", "multipart/form-data"],
  ])("%s %s refuses %s", async (method, path, sent, wanted) => {
    const response = await call(method, path, { headers: { "Content-Type": sent }, body: "x" });
    expect(response.status).toBe(415);
    expect((await problemOf(response)).detail).toContain(wanted);
  });

  it.each([
    ["", "malformed-body"],
    ["{", "malformed-body"],
    [new Uint8Array([0x22, 0xff, 0x22]), "malformed-body"],
    ["[]", "invalid-request"],
    ["null", "invalid-request"],
  ])("refuses %s as %s", async (body, kind) => {
    const response = await call("POST", "/api/v1/jobs", {
      headers: { "Content-Type": "application/json; charset=utf-8" },
      body,
    });
    expect(response.status).toBe(400);
    expect((await problemOf(response)).type).toBe(`urn:edgefold:problem:${kind}`);
  });

  it("refuses JSON with a Content-Length above 1 MiB", async () => {
    const headers = { "Content-Type": "application/json", "Content-Length": "1048577" };
    const response = await call("POST", "/api/v1/jobs", { headers, body: "{" });
    expect([response.status, (await problemOf(response)).type]).toEqual([413, "urn:edgefold:problem:body-too-large"]);
  });

  it("refuses JSON above 1 MiB", async () => {
    const response = await postJob({ inputPath: "x".repeat(1024 * 1024) });
    expect(response.status).toBe(413);
    expect((await problemOf(response)).type).toBe("urn:edgefold:problem:body-too-large");
  });

  it("names every field that is wrong", async () => {
    const response = await postJob({
      inputPath: "ftp://host/x",
      outputPath: 7,
      mapperName: "a/b",
      nReducers: -1,
      colour: "blue",
      inputStorageCredentials: { username: "u", extra: 1 },
    });
    expect(response.status).toBe(400);
    const { errors } = await problemOf(response);
    expect(errors?.map(({ field }) => field).sort()).toEqual([
      "colour",
      "inputStorageCredentials.extra",
      "inputStorageCredentials.password",
      "mapperName",
      "nReducers",
      "outputPath",
    ]);
    expect(errors).toContainEqual({ field: "inputStorageCredentials.password", message: "is required" });
    expect(errors).toContainEqual({ field: "colour", message: "is not a known field" });
  });

  it.each([
    ["username", "key\nid"],
    ["username", "schlüssel"],
    ["sessionToken", "to ken"],
    ["region", "eu\u0000"],
  ])("refuses a %s that is invalid in a header: %j", async (field, value) => {
    const response = await postJob({
      inputPath: "http://h/b/k",
      outputPath: "http://h/b",
      mapperName: "m",
      nReducers: 0,
      inputStorageCredentials: { username: "u", password: "päss wörd", [field]: value },
    });
    expect((await problemOf(response)).errors).toEqual([
      { field: `inputStorageCredentials.${field}`, message: "must have visible ASCII characters only" },
    ]);
  });

  it("lists the headers that may be sent to stores", async () => {
    const response = await postJob({
      inputPath: "http://h/b/k",
      outputPath: "http://h/b",
      mapperName: "m",
      nReducers: 0,
      inputStorageHeaders: { "x-amz-storage-class": "GLACIER" },
      outputStorageHeaders: {
        authorization: "Bearer t",
        "x-amz-server-side-encryption": "aws:kms\r\nhost: x",
      },
    });
    const { errors } = await problemOf(response);
    expect(errors).toEqual([
      {
        field: "inputStorageHeaders.x-amz-storage-class",
        message: expect.stringMatching(/^must be "x-amz-expected-bucket-owner" or .*"x-amz-request-payer" or /),
      },
      {
        field: "outputStorageHeaders.authorization",
        message: expect.stringMatching(/^must be "x-amz-acl" or .* or "x-amz-storage-class"$/),
      },
      {
        field: "outputStorageHeaders.x-amz-server-side-encryption",
        message: "must have visible ASCII characters only",
      },
    ]);
  });

  it("names the only supported checksum", async () => {
    const response = await postJob({
      inputPath: "http://h/b/k",
      outputPath: "http://h/b",
      mapperName: "m",
      nReducers: 0,
      outputStorageHeaders: { "x-amz-checksum-algorithm": "SHA1" },
    });
    expect((await problemOf(response)).errors).toEqual([
      { field: "outputStorageHeaders.x-amz-checksum-algorithm", message: "must be CRC32" },
    ]);
  });

  it("names both fields of a map-only job with a reducer", async () => {
    const response = await postJob({
      inputPath: "http://h/b/k",
      outputPath: "http://h/b",
      mapperName: "m",
      reducerName: "r",
      nReducers: 0,
    });
    expect((await problemOf(response)).errors?.map(({ field }) => field)).toEqual(["nReducers", "reducerName"]);
  });
});
