import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { localKeys } from "../../../backend/host/local-access.ts";
import type { JobDetail } from "../../sdk/index.ts";
import { CommandError, exitCodes } from "../failure.ts";
import { say, writeLine } from "../output.ts";
import { uploadFile } from "../request/programs.ts";
import type { Server } from "../server/server.ts";
import { sayEnd } from "../show/describe-end.ts";
import { followJob } from "../show/follow-job.ts";
import { showBytes } from "../../show/quantity.ts";
import { openPlace, readObjects } from "../storage/stores.ts";

/** Word count on a whole Edgefold of its own, checked and shown. */

const programs = fileURLToPath(new URL("../../../examples/word-count/", import.meta.url));
const MB = 1e6;

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

/** @throws CommandError where the job has counted anything else */
const check = (counts: Map<string, number>, expected: Map<string, number>): void => {
  const wrong = [...new Set([...counts.keys(), ...expected.keys()])].filter(
    (word) => counts.get(word) !== expected.get(word),
  );
  const [word] = wrong;
  if (word === undefined) return;
  const found = `first '${word}': ${counts.get(word)}, not ${expected.get(word)}`;
  throw new CommandError(`${wrong.length} words differ from the direct count, ${found}`, exitCodes.failed);
};

const countWords = async (server: Server, input: string, bytes: number): Promise<JobDetail> => {
  const { client, s3Endpoint } = server;
  const [mapper, reducer] = await Promise.all(
    ["mapper.mjs", "reducer.mjs"].map(async (name) => (await uploadFile(server, join(programs, name))).name),
  );
  if (mapper === undefined || reducer === undefined) throw new Error("the programs were not uploaded");
  const posted = await client.jobs.create({
    name: "demo",
    inputPath: input,
    outputPath: s3Endpoint,
    mapperName: mapper,
    combinerName: reducer,
    reducerName: reducer,
    nReducers: 2,
    splitSize: Math.max(1, Math.ceil(bytes / 8)),
    inputStorageCredentials: localKeys,
    outputStorageCredentials: localKeys,
  });
  say(`job ${posted.id}`);
  return await followJob(server, posted);
};

const readOutput = async (server: Server, job: JobDetail): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of readObjects(server.client.jobs.outputs(job.id), server)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
};

/** @throws CommandError where the job fails, or counts anything else than there is */
export const countAndCheck = async (server: Server, stateDir: string, files: readonly string[]): Promise<void> => {
  const contents = files.map((file) => readFileSync(file));
  // As one object: its splits are what the maps work on.
  const text = Buffer.concat(contents.flatMap((content) => [content, Buffer.from("\n")]));
  const input = `${server.s3Endpoint}/data/demo/text.txt`;
  const { store, at } = await openPlace(input, server);
  await store.put(at, text);
  say(`stored ${files.length} files, ${showBytes(text.length)}, as ${input}`);

  const begun = Date.now();
  const job = await countWords(server, input, text.length);
  const seconds = (Date.now() - begun) / 1000;
  await sayEnd(server, job);
  if (job.status !== "completed") throw new CommandError("The job has not completed.", exitCodes.failed);

  const output = await readOutput(server, job);
  const counts = parseCounts(output.toString());
  check(counts, countDirectly(text.toString()));
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  await writeLine(`checked: ${total} words, ${counts.size} different ones, as counted directly\n`);
  for (const [word, count] of [...counts].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 10)) {
    await writeLine(`${String(count).padStart(9)} ${word}`);
  }
  const copy = join(stateDir, "word-count.txt");
  writeFileSync(copy, output);
  const rate = (text.length / MB / seconds).toFixed(1);
  await writeLine(`
${(text.length / MB).toFixed(1)} MB in ${seconds.toFixed(2)} s from the POST to the end: ${rate} MB/s
a copy: ${copy}
The store is kept: edgefold dev --state ${stateDir}`);
};
