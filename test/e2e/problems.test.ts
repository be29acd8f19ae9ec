import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ProblemSchema, type Problem } from "../../shared/api/problems.ts";
import { Edgefold } from "../helpers/edgefold.ts";

/** Refused requests: each gets a specific problem (RFC 9457) that names the field. */

let edgefold: Edgefold;
beforeAll(async () => {
  edgefold = await Edgefold.start({ withoutAgent: true });
  await edgefold.upload("mapper", "#!/bin/sh\ncat\n");
  await edgefold.upload("reducer", "#!/bin/sh\ncat\n");
});
afterAll(async () => {
  expect(await edgefold.listJobs()).toEqual([]);
  expect(await (await fetch(`${edgefold.url}/api/v1/artifacts`)).json()).toHaveLength(2);
  await edgefold.stop();
});

const problemOf = async (answer: Response): Promise<Problem> => {
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  const problem = ProblemSchema.parse(await answer.json());
  expect(problem.status).toBe(answer.status);
  return problem;
};

/** A body with its content type, and the expected problem. */
type Refusal = [body: string, type: string, status: number, kind: string, detail: RegExp];

const expectRefusal = async (method: string, resource: string, ...refusal: Refusal): Promise<void> => {
  const [body, type, status, kind, detail] = refusal;
  const answer = await fetch(`${edgefold.url}/api/v1/${resource}`, { method, headers: { "content-type": type }, body });
  expect(await problemOf(answer)).toMatchObject({
    status,
    type: `urn:edgefold:problem:${kind}`,
    detail: expect.stringMatching(detail),
  });
};

describe("POST /jobs", () => {
  const request = {
    inputPath: "http://localhost:9000/data/text.txt",
    mapperName: "mapper",
    reducerName: "reducer",
  };

  type Refused = [name: string, change: object, status: number, kind: string, errors: [string, RegExp][]];
  const refused: Refused[] = [
    ["an unknown mapper", { mapperName: "nobody" }, 404, "unknown-artifact", [["mapperName", /'nobody'.*not exist/]]],
    ["an unknown reducer", { reducerName: "nobody" }, 404, "unknown-artifact", [["reducerName", /'nobody'/]]],
    ["an unknown combiner", { combinerName: "nobody" }, 404, "unknown-artifact", [["combinerName", /'nobody'/]]],
    ["an unknown field", { reducers: 4 }, 400, "invalid-request", [["reducers", /not a known field/]]],
    [
      "an unknown field in the credentials",
      { inputStorageCredentials: { username: "u", password: "p", token: "t" } },
      400,
      "invalid-request",
      [["inputStorageCredentials.token", /not a known field/]],
    ],
    [
      "a variable twice",
      { environment: { A: "" }, secretEnvironment: { A: { secretName: "s", key: "k" } } },
      400,
      "invalid-request",
      [["secretEnvironment.A", /given in environment, too/]],
    ],
    [
      "a wrong Secret",
      { secretEnvironment: { EDGEFOLD_A: { secretName: "s", key: "k" }, B: { secretName: "S", key: "/" } } },
      400,
      "invalid-request",
      [
        ["secretEnvironment.EDGEFOLD_A", /a meaning of its own/],
        ["secretEnvironment.B.secretName", /a name of Kubernetes/],
        ["secretEnvironment.B.key", /a key of a Secret/],
      ],
    ],
    ["a negative number of reducers", { nReducers: -1 }, 400, "invalid-request", [["nReducers", /0 or more/]]],
    ["half a reducer", { nReducers: 1.5 }, 400, "invalid-request", [["nReducers", /whole number/]]],
    ["too many reducers", { nReducers: 100_000 }, 400, "invalid-request", [["nReducers", /less than 100000/]]],
    ["a number as text", { nReducers: "1" }, 400, "invalid-request", [["nReducers", /number/]]],
    ["a split size of 0", { splitSize: 0 }, 400, "invalid-request", [["splitSize", /1 or more/]]],
    ["a negative parallelism", { parallelism: -2 }, 400, "invalid-request", [["parallelism", /1 or more/]]],
    ["a text where a flag should be", { useSSL: "yes" }, 400, "invalid-request", [["useSSL", /boolean/]]],
    ["a text for combineInputs", { combineInputs: "yes" }, 400, "invalid-request", [["combineInputs", /boolean/]]],
    ["another input type", { inputType: "file/csv" }, 400, "invalid-request", [["inputType", /"file\/txt"/]]],
    ["no input", { inputPath: undefined }, 400, "invalid-request", [["inputPath", /required/]]],
    ["no output", { outputPath: undefined }, 400, "invalid-request", [["outputPath", /required/]]],
    ["no mapper", { mapperName: undefined }, 400, "invalid-request", [["mapperName", /required/]]],
    [
      "no reducer",
      { reducerName: undefined },
      400,
      "invalid-request",
      [["reducerName", /required unless there is an aggregate/]],
    ],
    ["an aggregate and a reducer", { aggregate: "sum" }, 400, "invalid-request", [["reducerName", /takes its place/]]],
    ["an address of another kind", { inputPath: "ftp://host/x" }, 400, "invalid-request", [["inputPath", /not ftp/]]],
    ["an argument that is not a string", { mapperArgs: [1] }, 400, "invalid-request", [["mapperArgs.0", /string/]]],
    [
      "arguments for a missing combiner",
      { combinerArgs: ["a"] },
      400,
      "invalid-request",
      [["combinerArgs", /no combinerName/]],
    ],
    ["a NUL in an argument", { mapperArgs: ["\0"] }, 400, "invalid-request", [["mapperArgs.0", /NUL/]]],
    [
      "too many characters in arguments",
      { mapperArgs: ["x".repeat(30_000), "x".repeat(30_000), "x".repeat(30_000)] },
      400,
      "invalid-request",
      [["mapperArgs", /65536 characters together/]],
    ],
    [
      "a variable of Edgefold's",
      { environment: { EDGEFOLD_JOB_ID: "1" } },
      400,
      "invalid-request",
      [["environment.EDGEFOLD_JOB_ID", /meaning of its own/]],
    ],
    [
      "a variable of Hadoop's",
      { environment: { mapred_x: "1" } },
      400,
      "invalid-request",
      [["environment.mapred_x", /meaning of its own/]],
    ],
    [
      "an invalid variable name",
      { environment: { "a-b": "1" } },
      400,
      "invalid-request",
      [["environment.a-b", /MY_SETTING/]],
    ],
    ["an input without a bucket", { inputPath: "http://host" }, 400, "invalid-request", [["inputPath", /bucket/]]],
    [
      "a link-local input",
      { inputPath: "http://169.254.169.254/latest/meta-data" },
      400,
      "invalid-request",
      [["inputPath", /169\.254\.169\.254 .*link-local/]],
    ],
    [
      "a link-local output in disguise",
      { outputPath: "http://[::ffff:169.254.169.254]/b" },
      400,
      "invalid-request",
      [["outputPath", /a9fe:a9fe.*link-local/]],
    ],
    [
      "a link-local input as one number, without a scheme",
      { inputPath: "2852039166/b/k" },
      400,
      "invalid-request",
      [["inputPath", /169\.254\.169\.254/]],
    ],
    [
      "the name of a cloud's metadata",
      { inputPath: "http://metadata.google.internal/computeMetadata/v1" },
      400,
      "invalid-request",
      [["inputPath", /metadata/]],
    ],
    ["a pattern as output", { outputPath: "http://host/b/*" }, 400, "invalid-request", [["outputPath", /glob/]]],
    [
      "credentials without a password",
      { outputStorageCredentials: { username: "u" } },
      400,
      "invalid-request",
      [["outputStorageCredentials.password", /required/]],
    ],
    [
      "a reducer in a map-only job",
      { nReducers: 0 },
      400,
      "invalid-request",
      [
        ["nReducers", /map-only/],
        ["reducerName", /map-only/],
      ],
    ],
    [
      "two faults at once",
      { nReducers: -1, splitSize: "big" },
      400,
      "invalid-request",
      [
        ["nReducers", /0 or more/],
        ["splitSize", /number/],
      ],
    ],
  ];

  test.each(refused)("%s", async (_name, change, status, kind, errors) => {
    const problem = await problemOf(await edgefold.postRaw({ ...request, ...change }));
    expect(problem).toMatchObject({ status, type: `urn:edgefold:problem:${kind}`, title: expect.stringMatching(/./) });
    expect(problem.errors?.map(({ field }) => field).toSorted()).toEqual(errors.map(([field]) => field).toSorted());
    for (const [field, message] of errors) {
      expect(problem.errors?.find((error) => error.field === field)?.message).toMatch(message);
      expect(problem.detail).toContain(field);
    }
  });

  const bodies: [name: string, ...Refusal][] = [
    ["malformed JSON", '{"nReducers": 1,', "application/json", 400, "malformed-body", /not JSON/],
    ["an empty body", "", "application/json", 400, "malformed-body", /not JSON/],
    ["a list", "[]", "application/json", 400, "invalid-request", /object/],
    ["another content type", "{}", "text/plain", 415, "unsupported-media-type", /application\/json/],
    ["a form", "a=b", "application/x-www-form-urlencoded", 415, "unsupported-media-type", /application\/json/],
  ];

  test.each(bodies)("%s", async (_name, ...refusal) => expectRefusal("POST", "jobs", ...refusal));
});

describe("PUT /artifacts", () => {
  const boundary = "x-boundary-x";
  const formType = `multipart/form-data; boundary=${boundary}`;
  const part = (disposition: string, content: string): string =>
    `--${boundary}\r\nContent-Disposition: ${disposition}\r\n\r\n${content}\r\n`;
  const program = part('form-data; name="program"; filename="late"', "#!/bin/sh\n");
  const end = `--${boundary}--\r\n`;

  const forms: [name: string, ...Refusal][] = [
    ["JSON", "{}", "application/json", 415, "unsupported-media-type", /multipart\/form-data/],
    ["a form without a boundary", program + end, "multipart/form-data", 400, "malformed-form", /form/],
    ["a form that breaks off", program, formType, 400, "malformed-form", /form (is malformed|ended)/],
    ["text that is not a form", "hello", formType, 400, "malformed-form", /form/],
    [
      "a form without a program",
      part('form-data; name="type"', "module") + end,
      formType,
      400,
      "invalid-request",
      /program is required/,
    ],
    [
      "a program without a name",
      part('form-data; name="program"', "#!") + end,
      formType,
      400,
      "invalid-request",
      /program .*filename/,
    ],
    [
      "a name with a slash",
      part('form-data; name="program"; filename="a/b"', "#!") + end,
      formType,
      400,
      "invalid-request",
      /program .*'\/'/,
    ],
    [
      "an unknown type",
      part('form-data; name="type"', "jar") + program + end,
      formType,
      400,
      "invalid-request",
      /type must be one of executable, module, wasm, file, archive/,
    ],
    [
      "an unknown field",
      program + part('form-data; name="color"', "red") + end,
      formType,
      400,
      "invalid-request",
      /color is not a known field/,
    ],
    ["two programs", program + program + end, formType, 400, "invalid-request", /program is given twice/],
  ];

  test.each(forms)("%s", async (_name, ...refusal) => expectRefusal("PUT", "artifacts", ...refusal));
});

describe("paths and methods", () => {
  type Other = [method: string, path: string, status: number, kind: string];
  const others: Other[] = [
    ["GET", "/api/v1/nothing", 404, "unknown-path"],
    ["GET", "/api/v1/jobs/nobody", 404, "unknown-job"],
    ["GET", "/api/v1/jobs/nobody/tasks", 404, "unknown-job"],
    ["DELETE", "/api/v1/jobs/nobody", 404, "unknown-job"],
    ["DELETE", "/api/v1/jobs", 405, "method-not-allowed"],
    ["GET", "/api/v1/artifacts/nobody", 404, "unknown-artifact"],
    ["DELETE", "/api/v1/artifacts/nobody", 404, "unknown-artifact"],
    ["GET", "/api/v1/jobs?limit=0", 400, "invalid-request"],
    ["GET", "/api/v1/artifacts/%E0%A4%A", 400, "malformed-path"],
  ];

  test.each(others)("%s %s", async (method, path, status, kind) => {
    const problem = await problemOf(await fetch(edgefold.url + path, { method }));
    expect(problem).toMatchObject({ status, type: `urn:edgefold:problem:${kind}` });
  });

  test.each([
    ["PATCH", "/api/v1/jobs", ["GET", "POST"]],
    ["POST", "/api/v1/artifacts", ["GET", "PUT"]],
    ["PUT", "/api/v1/artifacts/mapper", ["DELETE", "GET"]],
    ["POST", "/api/v1/jobs/nobody/tasks", ["GET"]],
  ])("%s %s is refused with the allowed methods", async (method, path, allowed) => {
    const answer = await fetch(edgefold.url + path, { method });
    const problem = await problemOf(answer);
    expect(problem).toMatchObject({ status: 405, type: "urn:edgefold:problem:method-not-allowed" });
    const allow = answer.headers.get("allow")?.split(/, */) ?? [];
    expect(allow.filter((one) => one !== "HEAD" && one !== "OPTIONS").toSorted()).toEqual(allowed);
  });
});
