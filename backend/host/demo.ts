import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseAddress, joinAddress } from "../../shared/address.ts";
import { ArtifactSchema } from "../../shared/api/artifacts.ts";
import { JobSchema, type Job } from "../../shared/api/jobs.ts";
import { isEnded } from "../../shared/status.ts";
import { openStore } from "../storage/open.ts";
import { demoFiles } from "./demo-text.ts";
import { freePort } from "./port.ts";
import { localKeys } from "./local-access.ts";
import { startSystem, type System } from "./system.ts";

/** `npm run demo [-- FILE|FOLDER …]`: word count through the REST API on a whole Edgefold of its own, checked and shown. */

const stateDir = resolve(".wrangler/demo");
const programs = fileURLToPath(new URL("../../examples/word-count/", import.meta.url));
const MB = 1e6;

const upload = async (url: string, name: string): Promise<void> => {
  const form = new FormData();
  form.set("type", "module");
  form.set("program", new Blob([readFileSync(join(programs, name))]), name);
  const answer = await fetch(`${url}/api/v1/artifacts`, { method: "PUT", body: form });
  if (!answer.ok) throw new Error(`the upload of ${name} was refused: ${await answer.text()}`);
  const { size, hash } = ArtifactSchema.parse(await answer.json());
  console.log(`uploaded ${name}, ${size} bytes, sha256 ${hash.slice(0, 12)}…`);
};

/** Says how the phase that has ended went. */
const phaseLine = ({ status, progress }: Job, milliseconds: number): string => {
  const { maps, reduces } = progress;
  const counts =
    status === "mapping" ? `, ${maps.total} maps` : status === "reducing" ? `, ${reduces.total} reduces` : "";
  return `  ${status.padEnd(10)} ${(milliseconds / 1000).toFixed(2)} s${counts}`;
};

/** Follows a job to its end, with a line for each phase. */
const follow = async (url: string, posted: Job): Promise<Job> => {
  let last = posted;
  let since = Date.now();
  for (;;) {
    const job = JobSchema.parse(await (await fetch(`${url}/api/v1/jobs/${posted.id}`)).json());
    if (job.status !== last.status) {
      console.log(phaseLine({ ...job, status: last.status }, Date.now() - since));
      since = Date.now();
      last = job;
    }
    if (isEnded(job.status)) return job;
    await sleep(50);
  }
};

/** The words of the text and how often each stands there, counted in the plainest way. */
const countDirectly = (text: string): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
};

const parseCounts = (text: string): Map<string, number> =>
  new Map(
    text
      .trimEnd()
      .split("\n")
      .map((line) => {
        const [word = "", count] = line.split("\t");
        return [word, Number(count)];
      }),
  );

const run = async (system: System, files: readonly string[]): Promise<void> => {
  const { url, s3Endpoint } = system;
  for (const name of ["mapper.mjs", "reducer.mjs"]) await upload(url, name);

  const store = openStore({ credentials: localKeys, fileRoots: [] });
  const input = parseAddress(`${s3Endpoint}/data/demo/`, false);
  const contents = files.map((file) => readFileSync(file));
  const bytes = contents.reduce((sum, content) => sum + content.length, 0);
  // As one object: its splits are what the maps work on.
  const text = Buffer.concat(contents.flatMap((content) => [content, Buffer.from("\n")]));
  await store.put(joinAddress(input, "text.txt"), text);
  console.log(`stored ${files.length} files, ${(bytes / MB).toFixed(1)} MB, as ${s3Endpoint}/data/demo/text.txt`);

  const startedAt = Date.now();
  const answer = await fetch(`${url}/api/v1/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      inputPath: `${s3Endpoint}/data/demo/`,
      outputPath: s3Endpoint,
      mapperName: "mapper.mjs",
      combinerName: "reducer.mjs",
      reducerName: "reducer.mjs",
      nReducers: 2,
      splitSize: Math.max(1, Math.ceil(text.length / 8)),
      inputStorageCredentials: localKeys,
      outputStorageCredentials: localKeys,
    }),
  });
  if (answer.status !== 201) throw new Error(`the job was refused: ${await answer.text()}`);
  const posted = JobSchema.parse(await answer.json());
  console.log(`posted job ${posted.id}`);
  const job = await follow(url, posted);
  if (job.status !== "completed")
    throw new Error(`the job has ${job.status}: ${job.error?.code} ${job.error?.message}`);
  const seconds = (Date.now() - startedAt) / 1000;

  const parts: Buffer[] = [];
  for (const part of job.outputs) {
    for await (const chunk of await store.read(parseAddress(part, false))) parts.push(Buffer.from(chunk));
  }
  const output = Buffer.concat(parts);
  const counts = parseCounts(output.toString());
  const expected = countDirectly(text.toString());
  const wrong = [...new Set([...counts.keys(), ...expected.keys()])].filter(
    (word) => counts.get(word) !== expected.get(word),
  );
  if (wrong.length > 0) {
    const [word = ""] = wrong;
    throw new Error(
      `${wrong.length} words differ from the direct count, first '${word}': ${counts.get(word)}, not ${expected.get(word)}`,
    );
  }

  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  console.log(`checked: ${total} words, ${counts.size} different ones, as counted directly\n`);
  for (const [word, count] of [...counts].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 10)) {
    console.log(`${String(count).padStart(9)} ${word}`);
  }
  const copy = join(stateDir, "word-count.txt");
  writeFileSync(copy, output);
  console.log(`
${(bytes / MB).toFixed(1)} MB in ${seconds.toFixed(2)} s from the POST to the end: ${(bytes / MB / seconds).toFixed(1)} MB/s
output: ${job.outputs.join("\n        ")}
a copy: ${copy}
The store is kept: STATE_DIR=${stateDir} PORT=${new URL(url).port} npm run dev`);
};

let system: System | undefined;
try {
  const files = demoFiles(process.argv.slice(2));
  if (files.length === 0) throw new Error("there are no files to count words in");
  rmSync(stateDir, { recursive: true, force: true });
  mkdirSync(stateDir, { recursive: true });
  system = await startSystem({ port: await freePort(), stateDir, fileRoots: [] });
  const started = system;
  await Promise.race([
    run(started, files),
    started.failed.then((reason) => {
      throw new Error(reason);
    }),
  ]);
} catch (error) {
  console.error(`\nThe demo has failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await system?.stop();
}
process.exit();
