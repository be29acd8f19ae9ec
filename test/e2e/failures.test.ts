import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Job } from "../../shared/api/jobs.ts";
import { freePort } from "../../backend/host/port.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { workOf } from "../helpers/processes.ts";

/** Jobs that cannot succeed: each error says why and how to fix it, and nothing is left behind. */

const outputLimit = 1_000_000;
const recordLimit = 100_000;

const elf = (machine: number): Buffer => {
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(machine, 18);
  return header;
};
/** The `e_machine` of an architecture that no runner has. */
const s390x = 0x16;
const machO = Buffer.from([0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0]);

const here = `${process.platform}/${process.arch}`;

type Programs = {
  readonly mapper?: string | Buffer;
  readonly reducer?: string | Buffer;
  readonly type?: "executable" | "module";
};

/** Programs that fail, and the expected message. Programs that are not given work. */
const programs: Record<string, Programs & { readonly says: RegExp }> = {
  "a mapper that exits with an error": {
    mapper: "#!/bin/sh\necho 'no dictionary at /etc/words' >&2\nexit 3\n",
    says: /^mapper \S+ exited with code 3: no dictionary at \/etc\/words$/,
  },
  "a reducer that exits with an error after some output": {
    reducer: "#!/bin/sh\ncat\necho 'half way' >&2\nexit 4\n",
    says: /^reducer \S+ exited with code 4: half way$/,
  },
  "a mapper that fails without output": {
    mapper: "#!/bin/sh\nexit 1\n",
    says: /^mapper \S+ exited with code 1 and wrote nothing to stderr$/,
  },
  "a mapper that is killed": {
    mapper: "#!/bin/sh\nkill -KILL $$\n",
    says: /^mapper \S+ was ended by SIGKILL .*lack of memory/,
  },
  "an interpreter that is missing": {
    mapper: "#!/usr/bin/env nosuchlang\n",
    says: /^mapper \S+ needs nosuchlang, which is not installed on the runner$/,
  },
  "a program for another processor": {
    mapper: elf(s390x),
    says: new RegExp(`^mapper \\S+ is built for linux/s390x, build it for ${here}$`),
  },
  "a program for macOS": { reducer: machO, says: /^reducer \S+ is built for macOS, build it for / },
  "endless output": {
    mapper: "#!/bin/sh\nexec yes\n",
    says: new RegExp(`^mapper \\S+ writes more than TASK_OUTPUT_LIMIT, ${outputLimit} bytes$`),
  },
  "endless output of a reducer": {
    reducer: "#!/bin/sh\nexec yes\n",
    says: new RegExp(`^reducer \\S+ writes more than TASK_OUTPUT_LIMIT, ${outputLimit} bytes$`),
  },
  "an endless line": {
    mapper: "#!/bin/sh\nexec tr '\\0' x < /dev/zero\n",
    says: /^mapper \S+ .*RECORD_LIMIT.*100000/,
  },
  "a module that throws": {
    mapper: 'export function map(line) {\n  throw new Error(`cannot read "${line}"`);\n}\n',
    type: "module",
    says: /^mapper \S+ failed at record 1 of its input from \S+: Error: cannot read "some words"\n.*:2:9/,
  },
  "a module whose promise is rejected": {
    reducer: 'export async function reduce() {\n  throw new TypeError("not today");\n}\n',
    type: "module",
    says: /^reducer \S+ failed at key 1 of its input: TypeError: not today/,
  },
  "a module with a syntax error": {
    // Too long to be parsed at upload.
    mapper: `export function map( {\n// ${"x".repeat(256 * 1024)}\n`,
    type: "module",
    says: /^mapper \S+ cannot be loaded: SyntaxError: /,
  },
  "a module without the export": {
    mapper: "export function reduce() {}\n",
    type: "module",
    says: /^mapper \S+ does not export a function `map`$/,
  },
  "a module that ends its process": {
    mapper: "export function map() { process.exit(7); }\n",
    type: "module",
    says: /ended with exit code 7/,
  },
};

/** Programs that can never run. They are tried once, the others four times. */
const hopeless: ReadonlySet<string> = new Set([
  "an interpreter that is missing",
  "a program for another processor",
  "a program for macOS",
  "a module with a syntax error",
  "a module without the export",
]);

type Stored = { readonly code: string; readonly says: RegExp; readonly request: (edgefold: Edgefold) => object };

const file = (edgefold: Edgefold, name: string): string => pathToFileURL(join(edgefold.files, name)).href;

/** Wrong URLs and credentials, for which a retry is useless. */
const stores: Record<string, Stored> = {
  "a wrong password": {
    code: "SignatureDoesNotMatch",
    says: /data\/text\.txt: .*\(SignatureDoesNotMatch\)/,
    request: ({ keys }) => ({ inputStorageCredentials: { username: keys.username, password: "wrong" } }),
  },
  "a wrong password of the output": {
    code: "SignatureDoesNotMatch",
    says: /\/reducers: .*Check your secret access key.*\(SignatureDoesNotMatch\)/,
    request: ({ keys, s3Endpoint }) => ({
      outputPath: s3Endpoint,
      outputStorageCredentials: { username: keys.username, password: "wrong" },
    }),
  },
  "an unknown user": {
    // The local S3 endpoint has no other code for this; AWS returns InvalidAccessKeyId.
    code: "Unauthorized",
    says: /data\/text\.txt: .*\(Unauthorized\)/,
    request: ({ keys }) => ({ inputStorageCredentials: { username: "nobody", password: keys.password } }),
  },
  "a bucket that is missing": {
    code: "NoSuchBucket",
    says: /no-such-bucket\/text\.txt: .*\(NoSuchBucket\)/,
    request: ({ s3Endpoint }) => ({ inputPath: `${s3Endpoint}/no-such-bucket/text.txt` }),
  },
  "an object that is missing": {
    code: "NoSuchKey",
    says: /data\/no-such-key: there is no such object \(NoSuchKey\)/,
    request: ({ s3Endpoint }) => ({ inputPath: `${s3Endpoint}/data/no-such-key` }),
  },
  "a folder without its slash": {
    code: "NoSuchKey",
    says: /for all objects below it, write http:\S+\/data\/folder\/ /,
    request: ({ s3Endpoint }) => ({ inputPath: `${s3Endpoint}/data/folder` }),
  },
  "a pattern that nothing matches": {
    code: "NoInput",
    says: /data\/\*\.csv: nothing matches this pattern/,
    request: ({ s3Endpoint }) => ({ inputPath: `${s3Endpoint}/data/*.csv` }),
  },
  "a host that does not exist": {
    code: "ENOTFOUND",
    says: /no-such-host\.invalid\/bucket\/key: cannot use no-such-host\.invalid: there is no such host \(ENOTFOUND\)/,
    request: () => ({ inputPath: "http://no-such-host.invalid/bucket/key" }),
  },
  "an endpoint that is not allowed": {
    code: "EndpointRefused",
    says: /^http:\/\/127\.0\.0\.1:1\/bucket\/key: cannot use 127\.0\.0\.1:1: it is not among .* STORAGE_ENDPOINTS: localhost/,
    request: () => ({ inputPath: "http://127.0.0.1:1/bucket/key" }),
  },
  "a file that is missing": {
    code: "NoSuchKey",
    says: /files\/nothing: there is no such object \(NoSuchKey\)/,
    request: (edgefold) => ({ inputPath: file(edgefold, "nothing") }),
  },
  "a file outside the roots": {
    code: "OutsideRoots",
    says: /^file:\/\/\/etc\/hostname leads outside the directories in FILE_ROOTS: these are \/.*files/,
    request: () => ({ inputPath: "file:///etc/hostname" }),
  },
  "an output outside the roots": {
    code: "OutsideRoots",
    says: /FILE_ROOTS/,
    request: () => ({ outputPath: "file:///etc/edgefold" }),
  },
};

const fine = {
  executable: { mapper: "#!/bin/sh\nexec cat\n", reducer: "#!/bin/sh\nexec cat\n" },
  module: {
    mapper: "export function map(line, emit) { emit(line, 1); }\n",
    reducer: "export function reduce(key, values, emit) { emit(key, [...values].length); }\n",
  },
};

describe("failures", () => {
  let edgefold: Edgefold;
  const ended = new Map<string, Job>();

  const postPrograms = async (name: string, { mapper, reducer, type = "executable" }: Programs): Promise<string> => {
    const names = { mapper: `mapper-${name}`.replaceAll(" ", "-"), reducer: `reducer-${name}`.replaceAll(" ", "-") };
    await edgefold.upload(names.mapper, mapper ?? fine[type].mapper, type);
    await edgefold.upload(names.reducer, reducer ?? fine[type].reducer, type);
    const { id } = await edgefold.post({
      inputPath: `${edgefold.s3Endpoint}/data/text.txt`,
      outputPath: file(edgefold, "out"),
      mapperName: names.mapper,
      reducerName: names.reducer,
    });
    return id;
  };

  beforeAll(async () => {
    edgefold = await Edgefold.start({
      env: {
        RUNNERS: "6",
        TASK_OUTPUT_LIMIT: String(outputLimit),
        RECORD_LIMIT: String(recordLimit),
        STORAGE_ENDPOINTS: "localhost, *.invalid",
      },
    });
    await edgefold.put("data/text.txt", "some words\n".repeat(100));
    await edgefold.put("data/folder/text.txt", "some words\n");
    await edgefold.upload("fine", fine.executable.mapper);
    // All at once, because each waits 3.5 s between its attempts.
    const ids = new Map<string, string>();
    for (const [name, job] of Object.entries(programs)) ids.set(name, await postPrograms(name, job));
    for (const [name, { request }] of Object.entries(stores)) {
      const { id } = await edgefold.post({
        inputPath: `${edgefold.s3Endpoint}/data/text.txt`,
        outputPath: file(edgefold, "out"),
        mapperName: "fine",
        reducerName: "fine",
        ...request(edgefold),
      });
      ids.set(name, id);
    }
    for (const [name, id] of ids) ended.set(name, await edgefold.ended(id, 180_000));
  }, 240_000);

  afterAll(async () => {
    await edgefold.stop();
  });

  const failed = (name: string): Job => {
    const job = ended.get(name);
    if (job === undefined) throw new Error(`no job has ended: ${name}`);
    expect(job).toMatchObject({ status: "failed", outputs: [], endTime: expect.any(Number) });
    return job;
  };

  test.each(Object.entries(programs))("%s fails the job", async (name, { says, reducer }) => {
    const { id, error, progress } = failed(name);
    const kind = reducer === undefined ? "m" : "r";
    expect(error).toMatchObject({ taskId: `${id}-${kind}-0`, message: expect.stringMatching(says) });
    expect(kind === "m" ? progress.maps.failed : progress.reduces.failed).toBe(1);
    const task = (await edgefold.tasks(id)).find((one) => one.id === `${id}-${kind}-0`);
    expect(task).toMatchObject({
      status: "failed",
      attempt: hopeless.has(name) ? 1 : 4,
      error,
      endTime: expect.any(Number),
    });
  });

  test.each(Object.entries(stores))(
    "%s fails the job at once, with the store's own message",
    async (name, { code, says }) => {
      const { id, error } = failed(name);
      expect(error).toMatchObject({ code, message: expect.stringMatching(says) });
      expect(error?.taskId).toBe(`${id}-p-0`);
      expect(await edgefold.tasks(id)).toEqual([]);
    },
  );

  test("they leave nothing behind", async () => {
    await expect.poll(() => workOf(edgefold), { timeout: 20_000 }).toEqual([]);
    expect(await edgefold.keysIn("reducers")).toEqual([]);
    expect(await edgefold.keysIn("data")).toEqual(["folder/text.txt", "text.txt"]);
    // Neither parts, shuffle files nor uploads: not even a job's folder.
    expect(await readdir(edgefold.files, { recursive: true })).toEqual(["out"]);
    for (const { id, conditions } of await edgefold.listJobs())
      expect({ id, conditions }).toEqual({ id, conditions: [] });
  });

  test("a module that throws after its attempt does not affect its runner", async () => {
    const pids = join(edgefold.dir, "late-pids");
    const late = `import { appendFileSync } from "node:fs";
let isFirst = true;
export function map(line, emit, { environment }) {
  if (isFirst) appendFileSync("${pids}", process.pid + "\\n");
  isFirst = false;
  if (environment.EDGEFOLD_ATTEMPT_ID.endsWith("-1")) {
    setTimeout(() => { throw new Error("late"); }, 50);
    throw new Error("in time");
  }
  emit(line, 1);
}
`;
    await edgefold.upload("late", late, "module");
    const { id } = await edgefold.post({
      inputPath: `${edgefold.s3Endpoint}/data/text.txt`,
      mapperName: "late",
      reducerName: "fine",
    });
    // The late error is thrown while the task waits for its next attempt, and the runner for work.
    const job = await edgefold.completed(id, 30_000);
    expect((await edgefold.outputsOf(job)).join("")).toBe("some words\t1\n".repeat(100));
    const [, map] = await edgefold.tasks(id);
    expect(map).toMatchObject({ id: `${id}-m-0`, status: "completed", attempt: 2, error: null });
    const [first, second] = (await readFile(pids, "utf8")).trim().split("\n");
    expect(second).toBe(first);
  });

  test.each<[string, "executable" | "module", string]>([
    ["sleeps", "executable", "#!/bin/sh\nexec sleep 300\n"],
    ["never returns", "module", "export function map() { for (;;); }\n"],
    ["waits forever", "module", "export const map = () => new Promise(() => undefined);\n"],
  ])("a mapper that %s is killed when it times out, and the failure is charged", async (name, type, program) => {
    await edgefold.upload(name, program, type);
    const { id } = await edgefold.post({
      inputPath: `${edgefold.s3Endpoint}/data/text.txt`,
      mapperName: name,
      nReducers: 0,
      taskTimeoutSeconds: 1,
      maxAttempts: 2,
    });
    const { error } = await edgefold.ended(id);
    const message = "The attempt read, wrote and reported nothing for 1 s (taskTimeoutSeconds).";
    expect(error).toEqual({ code: "TaskTimeout", message, taskId: `${id}-m-0` });
    expect((await edgefold.tasks(id))[0]).toMatchObject({ status: "failed", attempt: 2 });
  });

  test("a slow mapper is left alone as long as it reports something", async () => {
    const slow = "for i in 1 2 3 4 5 6; do sleep 0.5; echo 'reporter:status:at work' >&2; done\ncat";
    await edgefold.upload("slow", `#!/bin/sh\n${slow}\n`);
    const { id } = await edgefold.post({
      inputPath: `${edgefold.s3Endpoint}/data/text.txt`,
      mapperName: "slow",
      nReducers: 0,
      taskTimeoutSeconds: 2,
      maxAttempts: 1,
    });
    await edgefold.completed(id);
  });

  test("a job whose store refuses connections keeps retrying, and can be stopped", async () => {
    // Refused connections are transient, so this job keeps retrying.
    const endpoint = `http://localhost:${await freePort()}`;
    const { id } = await edgefold.post({
      inputPath: `${endpoint}/data/text.txt`,
      mapperName: "fine",
      reducerName: "fine",
    });
    const stopped = await edgefold.waitFor(id, ({ status }) => status === "planning");
    expect(stopped.error).toBeNull();
    expect((await edgefold.stopJob(id)).status).toBe(200);
  });
});
