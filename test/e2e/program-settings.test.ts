import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { AttemptSchema } from "../../shared/api/attempts.ts";
import { JobSchema } from "../../shared/api/jobs.ts";
import { TaskDetailSchema, TaskSchema } from "../../shared/api/tasks.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { zipOf } from "../helpers/zip.ts";

/** What a job passes to its programs besides their input, and what the API shows of their attempts. */

const settingsModule = `
const told = ({ args, environment }) => JSON.stringify([args, environment.GREETING, environment.EDGEFOLD_PARTITION]);
export const map = (line, emit, context) => emit("map", told(context));
export const combine = (key, values, emit, context) => {
  for (const value of values) emit(key, value);
  emit("combine", told(context));
};
export const reduce = (key, values, emit, context) => {
  emit(key, [...values].join(" "));
  emit("reduce", told(context));
};
`;

const shell = (label: string): string => `#!/bin/bash
exec 3< <(cat)
cat <&3 ${label === "map" ? "> /dev/null" : ""}
printf '%s\\t%s' ${label} "$GREETING $EDGEFOLD_PARTITION $#"
printf ' [%s]' "$@"
echo
`;

let edgefold: Edgefold;
let inputPath: string;
beforeAll(async () => {
  edgefold = await Edgefold.start();
  inputPath = await edgefold.put("data/in.txt", "a line\n");
  for (const label of ["map", "combine", "reduce"]) await edgefold.upload(label, shell(label));
  await edgefold.upload("ones.mjs", "export const map = (line, emit) => emit(line, 1);", "module");
  await edgefold.upload("settings.mjs", settingsModule, "module");
  await edgefold.upload(
    "once.sh",
    '#!/bin/bash\necho "reporter:counter:Tries,$EDGEFOLD_ATTEMPT_ID,1" >&2\n[[ $EDGEFOLD_ATTEMPT_ID == *-1 ]] && exit 3\ncat\n',
  );
});
afterAll(() => edgefold.stop());

const settings = {
  mapperArgs: ["--stop-words", "a file", "", "$HOME 'é'"],
  combinerArgs: ["c"],
  reducerArgs: [],
  environment: { GREETING: "good morning" },
};

const get = async <S extends z.ZodType>(schema: S, url: string): Promise<z.output<S>> =>
  schema.parse(await (await fetch(url)).json());

const outputOf = async (request: Record<string, unknown>): Promise<string> => {
  const { id } = await edgefold.post({ inputPath, ...request });
  return Buffer.concat(await edgefold.outputsOf(await edgefold.completed(id))).toString();
};

describe("a job's arguments and variables", () => {
  test("reach executables unchanged", async () => {
    const programs = { mapperName: "map", combinerName: "combine", reducerName: "reduce" };
    expect(await outputOf({ ...programs, ...settings })).toBe(
      [
        "combine\tgood morning 0 1 [c]",
        "map\tgood morning 0 4 [--stop-words] [a file] [] [$HOME 'é']",
        "reduce\tgood morning 0 0 []",
        "",
      ].join("\n"),
    );
  });

  test("reach modules in their context", async () => {
    const programs = { mapperName: "settings.mjs", combinerName: "settings.mjs", reducerName: "settings.mjs" };
    const lines = (await outputOf({ ...programs, ...settings })).trimEnd().split("\n");
    expect(new Set(lines)).toEqual(
      new Set([
        `combine\t${JSON.stringify([["c"], "good morning", "0"])}`,
        `map\t${JSON.stringify([settings.mapperArgs, "good morning", "0"])}`,
        `reduce\t${JSON.stringify([[], "good morning", "0"])}`,
      ]),
    );
  });
});

test("a variable from a Secret fails the job at once if runners are processes", async () => {
  const secretEnvironment = { API_KEY: { secretName: "service", key: "key" } };
  const { id } = await edgefold.post({ inputPath, mapperName: "map", nReducers: 0, secretEnvironment });
  const { error, progress } = await edgefold.ended(id);
  expect(error).toMatchObject({
    code: "CredentialsUnavailable",
    message: expect.stringMatching(/'API_KEY' of secretEnvironment.*a cluster whose runners are pods/),
  });
  expect(progress.maps.total).toBe(0);
});

describe("a job's files and archives", () => {
  const shown = `#!/bin/bash
cat > /dev/null
for name in *; do echo "$(stat --format %A "$name" | cut -c 1,3,4) $name"; done
./helper.sh < list.txt
stat --format '%A %n' deps/* deps/inner/*
cat deps/inner/value
echo
touch written
`;

  test("are read-only in the working directory of executables", async () => {
    const zip = zipOf([
      { name: "inner/value", content: "42" },
      { name: "run", mode: 0o100755 },
    ]);
    await edgefold.upload("shows", shown);
    await edgefold.upload("list.txt", "a\nb\n", "file");
    await edgefold.upload("helper.sh", "#!/bin/sh\ntr a-z A-Z\n");
    await edgefold.upload("deps.zip", zip, "archive");
    const inputs = await edgefold.put("data/two/1.txt", "x\n");
    await edgefold.put("data/two/2.txt", "x\n");
    const { id } = await edgefold.post({
      inputPath: inputs.replace(/[^/]+$/, ""),
      mapperName: "shows",
      nReducers: 0,
      parallelism: 1,
      files: ["list.txt", "helper.sh", "shows", { name: "deps.zip", as: "packed" }],
      archives: [{ name: "deps.zip", as: "deps" }],
    });
    const outputs = await edgefold.outputsOf(await edgefold.completed(id));
    const directory = ["lwx deps", "--x helper.sh", "--- list.txt", "--- packed", "--x shows"];
    const archive = ["dr-xr-xr-x deps/inner", "-r-xr-xr-x deps/run", "-r--r--r-- deps/inner/value", "42"];
    const expected = [...directory, "A", "B", ...archive, ""].join("\n");
    // The second map runs on the same runner, and finds nothing of the first one.
    expect(outputs.map(String)).toEqual([expected, expected]);
  });

  test("can be read and imported by modules", async () => {
    const source = `
      import { readFileSync } from "node:fs";
      import { upper } from "./helper.mjs";
      const read = (context, name) => readFileSync(context.directory + "/" + name, "utf8").trim();
      export const map = (line, emit, context) => emit(upper(read(context, "words.txt")), read(context, "deps.zip/inner/value"));`;
    await edgefold.upload("reads.mjs", source, "module");
    await edgefold.upload("helper.mjs", "export const upper = (text) => text.toUpperCase();\n", "module");
    await edgefold.upload("words.txt", "word\n", "file");
    const placed = { files: ["words.txt", "helper.mjs"], archives: ["deps.zip"] };
    expect(await outputOf({ mapperName: "reads.mjs", nReducers: 0, ...placed })).toBe("WORD\t42\n");
  });

  test("that cannot be unpacked fail the job at once", async () => {
    await edgefold.upload("out.zip", zipOf([{ name: "a", content: "/etc", mode: 0o120777 }]), "archive");
    const { id } = await edgefold.post({ inputPath, mapperName: "shows", nReducers: 0, archives: ["out.zip"] });
    const { status, error } = await edgefold.ended(id);
    expect(status).toBe("failed");
    expect(error).toMatchObject({
      code: "ArchiveRefused",
      message: expect.stringContaining("the archive out.zip cannot be unpacked: its entry 'a' is a link to '/etc'"),
    });
    expect(
      z
        .array(AttemptSchema)
        .parse(await (await fetch(`${edgefold.url}/api/v1/jobs/${id}/tasks/${id}-m-0/attempts`)).json()),
    ).toHaveLength(1);
  });
});

test("each attempt of a task says how it ended", async () => {
  const { id } = await edgefold.post({ inputPath, mapperName: "once.sh", nReducers: 0 });
  await edgefold.completed(id);
  const task = `${edgefold.url}/api/v1/jobs/${id}/tasks/${id}-m-0`;
  expect(await get(TaskDetailSchema, task)).toMatchObject({
    status: "completed",
    attempt: 2,
    inputs: [{ path: inputPath, splitStart: 0, splitEnd: 7 }],
  });
  const counters = (n: number) => ({ user: { Tries: { [`${id}-m-0-${n}`]: 1 } } });
  const first = {
    number: 1,
    outcome: "failed",
    error: { code: "ProgramFailed", message: expect.stringContaining("exited with code 3") },
    counters: counters(1),
  };
  const attempts = await get(z.array(AttemptSchema), `${task}/attempts`);
  expect(attempts).toMatchObject([{ number: 2, outcome: "won", error: null, counters: counters(2) }, first]);
  expect(await get(AttemptSchema, `${task}/attempts/1`)).toEqual(attempts[1]);
  const failed = await fetch(`${edgefold.url}/api/v1/jobs/${id}/tasks?status=failed`);
  expect(await failed.json()).toEqual([]);
});

const ask = async (path: string, body: object): Promise<Response> =>
  await fetch(`${edgefold.url}/api/v1/jobs/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

describe("a job that has failed", () => {
  test("is resumed after 1,000 maps with a fixed reducer and new credentials, without repeating a map", async () => {
    const lines = 1000;
    await edgefold.upload("sum.sh", "#!/bin/sh\nexit 3\n");
    const { id } = await edgefold.post({
      inputPath: await edgefold.put("data/numbers.txt", "1234567\n".repeat(lines)),
      splitSize: 8,
      mapperName: "ones.mjs",
      reducerName: "sum.sh",
      nReducers: 2,
      maxAttempts: 1,
      keepFailedSeconds: 600,
    });
    const failed = await edgefold.ended(id, 180_000);
    expect(failed).toMatchObject({ status: "failed", progress: { maps: { total: lines, completed: lines } } });
    expect(failed.heldUntil).toBeGreaterThan(Date.now());
    // Meanwhile its runners are gone, and another job can use their slots.
    const other = await edgefold.post({
      inputPath: `${edgefold.s3Endpoint}/data/in.txt`,
      mapperName: "ones.mjs",
      nReducers: 0,
    });
    await edgefold.completed(other.id);
    await edgefold.upload("sum.sh", "#!/bin/sh\nawk '{ n++ } END { if (n) print n }'\n");
    await edgefold.resume(id, { reducerName: "sum.sh", inputStorageCredentials: edgefold.keys });
    const done = await edgefold.completed(id);
    expect(Buffer.concat(await edgefold.outputsOf(done)).toString()).toBe(`${lines}\n`);
    const maps = z
      .array(TaskSchema)
      .parse(await (await fetch(`${edgefold.url}/api/v1/jobs/${id}/tasks?type=mapper&limit=1000`)).json());
    expect(maps.map(({ attempt }) => attempt)).toEqual(Array.from({ length: lines }, () => 1));
    await expect.poll(async () => await edgefold.keysIn("reducers", ".edgefold/"), { timeout: 30_000 }).toEqual([]);
  });

  test("can be rerun with another program", async () => {
    await edgefold.upload("broken.sh", "#!/bin/sh\nexit 3\n");
    const request = { inputPath, mapperName: "broken.sh", nReducers: 0, maxAttempts: 1 };
    const failed = await edgefold.ended((await edgefold.post(request)).id);
    expect(failed.status).toBe("failed");
    const sealed = { inputStorageCredentials: edgefold.keys, outputStorageCredentials: edgefold.keys };
    const answer = await ask(`${failed.id}/rerun`, { mapperName: "ones.mjs", ...sealed });
    expect(answer.status).toBe(201);
    const { id } = JobSchema.parse(await answer.json());
    expect(await edgefold.completed(id)).toMatchObject({ rerunOf: failed.id });
  });
});
