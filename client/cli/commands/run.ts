import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatAddress } from "../../../shared/address.ts";
import { outputFolder } from "../../../shared/outputs.ts";
import type { JobDetail, JobRequest } from "../../sdk/index.ts";
import { exitCodes, type ExitCode } from "../failure.ts";
import { say, writeAnswer, writeJson, writeLine, type OutputOptions } from "../output.ts";
import { buildRequest, JobOptionsSchema, readSpec } from "../request/job-request.ts";
import { withServer, type Server, type ServerOptions } from "../server/server.ts";
import { exitCodeOf, sayEnd, showAddress } from "../show/describe-end.ts";
import { example, jobOptions, serverCommand, valuesOf } from "./common.ts";
import { watchToEnd } from "./watch-to-end.ts";

type RunOptions = ServerOptions &
  OutputOptions & {
    readonly spec?: string | undefined;
    readonly cat?: true | undefined;
    readonly detach?: true | undefined;
    readonly dryRun?: true | undefined;
  };

/** Credentials of a request, as it is shown. */
const hideSecrets = (request: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(request).map(([field, value]) => {
      const isSecret = field.endsWith("StorageCredentials") && !JSON.stringify(value).startsWith('{"secretName"');
      return [field, isSecret ? "(not shown)" : value];
    }),
  );

/** The folder that the parts of a job's output are in. */
const outputOf = ({ id, outputLocation: { location, useSSL } }: JobDetail): string =>
  showAddress(formatAddress(outputFolder(location, useSSL, id)));

/** Waits for a job, and answers with its output, or with where it lies. */
const finish = async (
  server: Server,
  posted: JobDetail,
  options: RunOptions,
  isTemporary: boolean,
): Promise<ExitCode> => {
  const isPrinted = options.cat === true || isTemporary;
  // Loaded while the job runs: it is large.
  const loading = isPrinted ? import("../storage/stores.ts") : undefined;
  const job = await watchToEnd(server, posted);
  if (job === undefined) return exitCodes.interrupted;
  await sayEnd(server, job);
  if (options.json === true) await writeJson(job);
  else if (job.status === "completed") {
    if (loading !== undefined) await (await loading).printObjects(server.client.jobs.outputs(job.id), server);
    else await writeLine(outputOf(job));
  }
  return exitCodeOf(job);
};

const run = async (
  input: string | undefined,
  output: string | undefined,
  options: RunOptions,
  values: Record<string, unknown>,
): Promise<ExitCode> =>
  await withServer(options, async (server) => {
    const job = JobOptionsSchema.parse(values);
    const spec = options.spec === undefined ? {} : readSpec(options.spec);
    // Without an output, one that is shown and removed.
    const isTemporary = server.isOwn && output === undefined && spec.output === undefined && !("outputPath" in spec);
    const temporary = isTemporary ? mkdtempSync(join(tmpdir(), "edgefold-output-")) : undefined;
    try {
      const request = await buildRequest(server, job, { input, output: output ?? temporary }, spec, say);
      if (options.dryRun === true) {
        await writeJson(hideSecrets(request));
        return exitCodes.ok;
      }
      // The server checks it: what it refuses, it says by field.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
      const posted = await server.client.jobs.create(request as JobRequest);
      say(`job ${posted.id}`);
      if (options.detach !== true || server.isOwn) return await finish(server, posted, options, isTemporary);
      await writeAnswer(posted, posted.id, options);
      return exitCodes.ok;
    } finally {
      if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
    }
  });

export const runCommand = (done: (code: ExitCode) => void) => {
  const command = serverCommand("run", "Run a job, and wait for it")
    .argument("[input]", "a file, a folder or a pattern, of this machine or as an address: s3://bucket/prefix/")
    .argument("[output]", "a folder for the output; without one, a job without a server prints it")
    .option("--spec <file>", "read the job from a YAML or JSON file; options go before what it says")
    .option("--cat", "print the output")
    .option("-d, --detach", "do not wait for the job's end")
    .option("--dry-run", "print the request, and start nothing")
    .addHelpText(
      "after",
      example(
        "edgefold run --mapper map.py --reducer reduce.py logs/ out/",
        "edgefold run --mapper words.py --aggregate sum books/",
        "edgefold run --mapper 'grep.py --ignore-case fold' --file stop.txt books/",
        "edgefold run --server https://edgefold.example.com --spec job.yaml s3://data/logs/ s3://data/out/",
      ),
    );
  for (const option of jobOptions()) command.addOption(option);
  return command.action(async (input, output, options) => {
    done(await run(input, output, options, valuesOf(command)));
  });
};
