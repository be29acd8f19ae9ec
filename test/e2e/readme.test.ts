import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { text as readText } from "node:stream/consumers";
import { copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { JobDetailSchema, JobSchema } from "../../shared/api/jobs.ts";
import { TaskSchema } from "../../shared/api/tasks.ts";
import { Canary } from "../helpers/canary.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { lacks } from "../helpers/interpreters.ts";
import { until } from "../helpers/until.ts";

/** Runs the commands and programs of the documentation exactly as printed there. */

const root = fileURLToPath(new URL("../../", import.meta.url));
const documentOf = (path: string): string => readFileSync(`${root}${path}`, "utf8");
const readme = documentOf("README.md");
const examples = documentOf("examples/README.md");
const gettingStarted = documentOf("docs/guide/getting-started.md");
const programs = documentOf("docs/guide/programs.md");
const places = documentOf("docs/guide/inputs-and-outputs.md");
const debugging = documentOf("docs/guide/debugging.md");
const sdk = documentOf("docs/reference/sdk.md");
const notifications = documentOf("docs/reference/notifications.md");

/** The code blocks of a language in a text, or in one section of it. */
const blocks = (markdown: string, language: string, heading?: string): string[] => {
  const from = heading === undefined ? 0 : markdown.indexOf(`\n## ${heading}\n`);
  if (from === -1) throw new Error(`there is no section '${heading}'`);
  const end = heading === undefined ? -1 : markdown.indexOf("\n## ", from + 1);
  const section = markdown.slice(from, end === -1 ? undefined : end);
  return [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, of, code = ""]) =>
    of === language ? [code] : [],
  );
};

/** Variables that the commands of other sections use. */
const [abbreviations = ""] = blocks(gettingStarted, "sh", "Walk-through");

let edgefold: Edgefold;
beforeAll(async () => {
  edgefold = await Edgefold.start();
  // So that curl fails on an HTTP error, and omits its progress meter.
  await writeFile(`${edgefold.dir}/.curlrc`, "fail-with-body\nsilent\nshow-error\n");
});
afterAll(() => edgefold.stop());

const utf8 = (latin1: string): string => Buffer.from(latin1, "latin1").toString("utf8");

const between = "----- the next block -----";

/** A text of the documentation, with the port of this instance. */
const here = (text: string): string => text.replaceAll("localhost:4750", `localhost:${edgefold.port}`);

/** Runs a command. @returns its output */
const run = async (cwd: string, command: string, ...args: string[]): Promise<string> => {
  const env = { ...process.env, CURL_HOME: edgefold.dir, LC_ALL: "C" };
  return (await promisify(execFile)(command, args, { cwd, env, maxBuffer: 64 * 1024 * 1024 })).stdout;
};

/** Runs blocks in one shell, by default in the project's folder. @returns the output of each */
const runBlocks = async (code: readonly string[], cwd = root): Promise<string[]> => {
  const script = here(code.join(`\nprintf '%s' '${between}'\n`));
  return (await run(cwd, "bash", "-euo", "pipefail", "-c", script)).split(between);
};

/** Parses concatenated JSON arrays and objects. */
const jsonIn = (output: string): unknown[] =>
  output
    .split(/(?<=^[\]}])\n/m)
    .filter((text) => text.trim() !== "")
    .map((text): unknown => JSON.parse(text));

test.skipIf(lacks("bash", "curl", "jq"))("the walk-through", async () => {
  const [, artifacts = "", put, start, watch = "", output = "", stop = "", remove] = await runBlocks(
    blocks(gettingStarted, "sh", "Walk-through"),
  );
  expect(artifacts).toContain('"name":"mapper.mjs"');
  expect(artifacts).toContain(readFileSync(`${root}examples/word-count/mapper.mjs`, "utf8"));
  expect([put, start, remove]).toEqual(["", "", ""]);

  const [job, tasks, jobs] = jsonIn(watch.slice(watch.indexOf("{")));
  const { id, status, counters } = JobSchema.parse(job);
  expect(status).toBe("completed");
  expect(z.array(TaskSchema).parse(tasks)).toHaveLength(2);
  expect(
    z
      .array(JobSchema)
      .parse(jobs)
      .map((listed) => listed.id),
  ).toEqual([id]);
  const words = readme.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  expect(counters.builtin.mapOutputRecords).toBe(words.length);

  const top = output
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t"));
  expect(top).toHaveLength(10);
  for (const [word, count] of top)
    expect([word, count]).toEqual([word, String(words.filter((other) => other === word).length)]);

  expect(stop).toMatch(/"Job [0-9a-f-]{36} was successfully stopped"\n$/);
  expect((await fetch(`${edgefold.url}/api/v1/artifacts/sleep.sh`)).status).toBe(404);
});

test.skipIf(lacks("bash", "curl", "jq", "python3"))("the job of the README", async () => {
  // Uses a folder that `file:` URLs may point into, as a checkout is for `npm run dev`.
  const folder = `${edgefold.files}/checkout`;
  await mkdir(folder, { recursive: true });
  await symlink(`${root}examples`, `${folder}/examples`);
  await copyFile(`${root}README.md`, `${folder}/README.md`);
  const [output = ""] = await runBlocks(blocks(readme, "sh", "The same with curl"), folder);
  expect(output).toContain('"status":"completed"');
  const words = readme.split(/\s+/).filter((word) => word !== "");
  for (const word of ["Edgefold", "is", "##"])
    expect(output).toContain(`\n${word}\t${words.filter((other) => other === word).length}\n`);
});

test.skipIf(lacks("bash", "curl", "jq", "python3"))("the recipes for joins and chained jobs", async () => {
  const [, , join, top] = await runBlocks([abbreviations, ...blocks(places, "sh", "Recipes")]);
  expect(join).toBe("1\tAda\tkeyboard\n1\tAda\tlamp\n2\tGrace\tclock\n");
  const counts = new Map<string, number>();
  for (const [word] of readme.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const found =
    top
      ?.trimEnd()
      .split("\n")
      .map((line) => line.split("\t")) ?? [];
  expect(found).toEqual(found.map(([word = ""]) => [word, String(counts.get(word))]));
  expect(found.map(([, count]) => Number(count))).toEqual([...counts.values()].toSorted((a, b) => b - a).slice(0, 3));
});

test.skipIf(lacks("bash", "curl", "jq"))("a failed job, from its error to its end", async () => {
  const outputs = await runBlocks([abbreviations, ...blocks(debugging, "sh")]);
  const [error = "", tasks = "", log, events = "", resumed = "", again] = outputs.slice(2);
  expect(JSON.parse(error)).toMatchObject({ status: "failed", error: { code: "ProgramFailed" }, conditions: [] });
  expect(tasks).toContain('[1,"failed","ProgramFailed"]');
  expect(tasks).toContain('[2,"failed","ProgramFailed"]');
  expect(log).toBe("there is no such column\n");
  expect(events).toMatch(/"job","failed",null\]\n$/);
  expect(resumed.trimEnd().split("\n")).toEqual(['"column.sh"', '"columns"', '"completed"']);
  expect(JSON.parse(again ?? "")).toEqual(["completed", true]);
});

test.skipIf(lacks("bash", "curl", "jq", "python3", "/usr/bin/awk"))("the commands of the examples", async () => {
  const outputs = await runBlocks([abbreviations, ...blocks(examples, "sh")]);
  // Each prints the answer to the upload, which has no newline, and then the last five lines of the output.
  const [modules = [], python = [], awk = [], index = [], join, grep, sort] = outputs.slice(2).map((output) => {
    return output
      .replace(/^(\{[^}]*\})+/, "")
      .trimEnd()
      .split("\n");
  });
  for (const lines of [modules, python, awk])
    expect(lines.map((line) => /^\S+\t\d+$/.test(line))).toEqual(Array(5).fill(true));
  expect(python).toEqual(awk);
  const folder = `${edgefold.s3Endpoint}/data/docs`;
  for (const line of index)
    expect([`${folder}/LICENSE`, `${folder}/README.md`, `${folder}/LICENSE,${folder}/README.md`]).toContain(
      line.split("\t")[1],
    );
  expect(join?.toSorted()).toEqual(["1\tAda\tkeyboard", "1\tAda\tlamp", "2\tGrace\tclock"]);
  const text = [readFileSync(`${root}LICENSE`, "latin1"), readFileSync(`${root}README.md`, "latin1")].flatMap((file) =>
    file.trimEnd().split("\n"),
  );
  expect(grep).toEqual(
    text
      .filter((line) => /[Ff]old/.test(line))
      .slice(-5)
      .map(utf8),
  );
  expect(sort).toEqual(
    text
      .toSorted((a, b) => (a < b ? -1 : 1))
      .slice(-5)
      .map(utf8),
  );
});

test.skipIf(lacks("bash", "curl", "jq", "python3"))("a job of several files", async () => {
  const outputs = await runBlocks([abbreviations, ...blocks(programs, "sh")]);
  expect(outputs.slice(1, 3)).toEqual(["", ""]);
  expect(outputs[3]?.trimEnd().split("\n")).toEqual([
    '["count.py","executable"]',
    '["words.py","file"]',
    '["stop.txt","file"]',
    '["packages.tar.gz","archive"]',
    '["reducer.py","executable"]',
  ]);
  const counts = new Map<string, number>();
  for (const [word] of readme.toLowerCase().matchAll(/[a-z]+/g)) {
    if (word.length < 4 || ["that", "this", "with", "from"].includes(word)) continue;
    const singular = word.endsWith("s") && !word.endsWith("ss") ? word.slice(0, -1) : word;
    counts.set(singular, (counts.get(singular) ?? 0) + 1);
  }
  const most = [...counts.values()].toSorted((a, b) => a - b).slice(-5);
  const [status, ...lines] = outputs[4]?.trimEnd().split("\n") ?? [];
  expect(status).toBe("completed");
  const found = lines.map((line) => line.split("\t"));
  expect(found).toEqual(found.map(([word = ""]) => [word, String(counts.get(word))]));
  expect(found.map(([, count]) => Number(count))).toEqual(most);
});

test.skipIf(lacks("python3"))("the programs in Python", async () => {
  const [mapper = "", reducer = ""] = blocks(programs, "python", "Executables");
  await edgefold.upload("readme-mapper.py", mapper);
  await edgefold.upload("readme-reducer.py", reducer);
  const inputPath = await edgefold.put("data/python.txt", "b a\n\nb\n");
  const names = { mapperName: "readme-mapper.py", reducerName: "readme-reducer.py", combinerName: "readme-reducer.py" };
  const job = await edgefold.completed((await edgefold.post({ inputPath, ...names })).id);
  expect((await edgefold.outputsOf(job)).map(String)).toEqual(["a\t1\nb\t2\n"]);
  expect(job.counters.user).toEqual({ text: { "empty lines": 1 } });
});

test("the program that uses the SDK", async () => {
  const [main = ""] = blocks(sdk, "ts");
  const folder = `${edgefold.dir}/client`;
  // As the package has it, but for the source: what is built is tested elsewhere.
  await mkdir(`${folder}/node_modules/edgefold`, { recursive: true });
  const description = { name: "edgefold", type: "module", exports: "./client/sdk/index.ts" };
  await writeFile(`${folder}/node_modules/edgefold/package.json`, JSON.stringify(description));
  await symlink(`${root}client`, `${folder}/node_modules/edgefold/client`);
  await symlink(`${root}node_modules/@types`, `${folder}/node_modules/@types`);
  await symlink(`${root}examples`, `${folder}/examples`);
  await writeFile(`${folder}/main.ts`, here(main));
  const options = { strict: true, module: "NodeNext", allowImportingTsExtensions: true, noEmit: true, types: ["node"] };
  await writeFile(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions: options, files: ["main.ts"] }));
  await writeFile(`${folder}/package.json`, '{"type": "module"}');
  await edgefold.put("data/README.md", readme);

  await run(folder, `${root}node_modules/.bin/tsc`);
  const output = await run(folder, process.execPath, "main.ts");
  expect(output).toMatch(/\n1 of 1 maps\nhttp.*part-r-00000\n$/);
});

test.skipIf(lacks("curl", "jq"))("a notification, and the check of its signature", async () => {
  const [getKeys = ""] = blocks(notifications, "sh");
  const [check = ""] = blocks(notifications, "js");
  await writeFile(`${edgefold.dir}/check.mjs`, check);
  const { isGenuine } = z
    .object({ isGenuine: z.custom<(...args: unknown[]) => boolean>((value) => typeof value === "function") })
    .parse(await import(`${edgefold.dir}/check.mjs`));
  const [keys = ""] = await runBlocks([`auth=; api=http://localhost:4750/api/v1\n${getKeys}`]);

  const received: { path: string | undefined; headers: IncomingHttpHeaders; body: string }[] = [];
  const receiver = createServer((request, response) => {
    void readText(request).then((body) => {
      received.push({ path: request.url, headers: request.headers, body });
      // The receiver misbehaves at first: it fails, then it redirects.
      if (received.length === 1) response.writeHead(500).end("no");
      else if (received.length === 2) response.writeHead(302, { location: "/elsewhere" }).end();
      else response.writeHead(204).end();
    });
  });
  await once(receiver.listen(0, "127.0.0.1"), "listening");
  try {
    const { port } = z.object({ port: z.int() }).parse(receiver.address());
    const secret = new Canary("webhook", "");
    const { id } = await edgefold.post({
      inputPath: await edgefold.put("data/notified.txt", "a\n"),
      mapperName: (await edgefold.uploadFile(`${root}examples/word-count/mapper.mjs`, "module")).name,
      nReducers: 0,
      notify: { url: `http://127.0.0.1:${port}/${secret.text}` },
    });
    const answer = await until("the notification", async () => {
      const shown = await (await fetch(`${edgefold.url}/api/v1/jobs/${id}`)).text();
      return JobDetailSchema.parse(JSON.parse(shown)).notification?.status === "delivered" ? shown : undefined;
    });
    const shown = JobDetailSchema.parse(JSON.parse(answer));
    expect(shown.status).toBe("completed");
    expect(shown.notification).toEqual({ status: "delivered", attempts: 3, lastError: null });
    expect(received.map(({ path }) => path)).toEqual(Array(3).fill(`/${secret.text}`));
    expect(new Set(received.map(({ headers }) => headers["edgefold-delivery"])).size).toBe(1);
    for (const { headers, body } of received) {
      const signature = headers["edgefold-signature"];
      expect(isGenuine(signature, body, keys.trim().split("\n"))).toBe(true);
      expect(isGenuine(signature, `${body} `, keys.trim().split("\n"))).toBe(false);
      const { notification, ...told } = JobDetailSchema.parse(JSON.parse(body));
      expect(notification?.status).toBe("waiting");
      expect(told).toMatchObject({ id, status: shown.status, endTime: shown.endTime, outputs: shown.outputs });
      expect(secret.formsIn(body)).toEqual([]);
      expect(body).not.toContain(edgefold.keys.password);
    }
    expect(secret.formsIn(answer)).toEqual([]);
    expect(secret.filesIn(edgefold.stateDir)).toEqual([]);
  } finally {
    receiver.close();
  }
});
