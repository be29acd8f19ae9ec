import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { sendSignal } from "../../backend/process-groups.ts";
import { ArtifactSchema } from "../../shared/api/artifacts.ts";
import { JobSchema, type Job } from "../../shared/api/jobs.ts";
import { isEnded } from "../../shared/status.ts";
import { Command } from "../helpers/command.ts";
import { freePort } from "../../backend/host/port.ts";
import { processesWith } from "../helpers/proc.ts";
import { isInstalled } from "../helpers/sample.ts";
import { until } from "../helpers/until.ts";

/** `npm run dev` and `npm run demo`, as a user types them in a checkout. */

const root = fileURLToPath(new URL("../../", import.meta.url));
const hasCurl = await isInstalled("curl");

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "edgefold-dev-"));
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

const commands: Command[] = [];
afterEach(async () => {
  for (const command of commands.splice(0)) {
    command.signal("SIGKILL");
    await command.exit();
  }
  // Every process that a test starts has its folder in the command line or the environment.
  await nothingLeft();
});

const nothingLeft = async (): Promise<void> => {
  await expect.poll(() => processesWith(dir), { timeout: 20_000 }).toEqual([]);
};

const processesLike = (pattern: RegExp): number[] =>
  processesWith(dir).flatMap(({ pid, command }) => (pattern.test(command) ? [pid] : []));

const started = (...[program, args, options]: ConstructorParameters<typeof Command>): Command => {
  const command = new Command(program, args, options);
  commands.push(command);
  return command;
};

const jobsAt = async (url: string): Promise<Job[]> =>
  z.array(JobSchema).parse(await (await fetch(`${url}/api/v1/jobs`)).json());

/** How npm can end after Ctrl-C, which it receives too. The command itself exits with 0. */
const endedByUser = [0, 130, "SIGINT"];

/** The commands to paste, at the end of the output. */
const toPaste = ({ output }: Command): string => output.slice(output.indexOf("A job to paste:")).split(":\n")[1] ?? "";

describe("npm run dev", () => {
  let stateDir: string;
  beforeAll(() => {
    stateDir = join(dir, "state");
  });

  const dev = async (port: number, env: Readonly<Record<string, string>> = {}): Promise<Command> =>
    started("npm", ["run", "dev"], { cwd: root, env: { PORT: String(port), STATE_DIR: stateDir, ...env } });

  const ready = async (port: number, env: Readonly<Record<string, string>> = {}): Promise<Command> => {
    const command = await dev(port, env);
    await command.printed(new RegExp(`^Edgefold is ready on http://localhost:${port}$`, "m"));
    return command;
  };

  test.skipIf(!hasCurl)("is ready when it says so, and prints a job to paste; Ctrl-C ends everything", async () => {
    const port = await freePort();
    const url = `http://localhost:${port}`;
    const command = await ready(port);
    expect(await jobsAt(url)).toEqual([]);
    await command.printed(/README\.md http.*\n/);
    expect(command.output).toContain(`S3 endpoint        ${url}/cdn-cgi/local/r2/s3 (buckets: data, reducers)`);
    expect(command.output).toMatch(/^access key id {6}\S+$/m);
    expect(command.output).toMatch(/^secret access key {2}\S+$/m);

    const { stdout } = await promisify(execFile)("bash", ["-e", "-c", toPaste(command)], { cwd: root });
    expect(stdout).toMatch(/^edgefold\t\d+$/m);
    const [job] = await jobsAt(url);
    expect(job).toMatchObject({ status: "completed", error: null });
    const { size } = await stat(join(root, "README.md"));
    expect(job?.inputData.splitEnd).toBe(size);

    // What was stored under the endpoint's URL is also found under the short s3:// one.
    const credentials = { username: "local-development", password: "local-development-secret" };
    const answer = await fetch(`${url}/api/v1/jobs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        inputPath: "s3://reducers/",
        outputPath: "s3://data/out",
        mapperName: job?.programs?.mapper.name,
        nReducers: 0,
        inputStorageCredentials: credentials,
        outputStorageCredentials: credentials,
      }),
    });
    const short = JobSchema.parse(await answer.json());
    const ended = await until("the end of the second job", async () =>
      (await jobsAt(url)).find(({ id, status }) => id === short.id && isEnded(status)),
    );
    expect(ended).toMatchObject({
      status: "completed",
      error: null,
      outputs: [`s3://data/out/${short.id}/part-m-00000`],
    });

    command.signal("SIGINT");
    expect(endedByUser).toContain(await command.exit());
    await nothingLeft();
    await expect(fetch(url)).rejects.toThrow(TypeError);
  });

  test("restarts a crashed Worker", async () => {
    const port = await freePort();
    const url = `http://localhost:${port}`;
    const command = await ready(port);

    const [workerd, ...others] = processesLike(/workerd serve/);
    expect(others).toEqual([]);
    sendSignal(workerd ?? NaN, "SIGKILL");
    await command.printed(/The Workers runtime crashed unexpectedly and is being restarted/);
    await until("another workerd", () => processesLike(/workerd serve/).find((pid) => pid !== workerd));
    await command.answered(url);

    const [guard] = processesLike(/guard\.ts .*host\/main\.ts/);
    sendSignal(-(guard ?? NaN), "SIGKILL");
    await command.printed(/^The Worker has ended; starting it again\.$/m);
    await command.answered(url);
    command.signal("SIGINT");
    expect(endedByUser).toContain(await command.exit());
    await nothingLeft();
  });

  test("says at once why the Worker refuses to work", async () => {
    const command = await dev(await freePort(), { JOB_RETENTION_DAYS: "soon" });
    expect(await command.exit()).toBe(1);
    expect(command.output).toMatch(/The Worker refuses to work \(HTTP 503\): .*JOB_RETENTION_DAYS/);
  });

  test("finds the jobs and artifacts of an earlier run, and leaves nothing behind when killed", async () => {
    const port = await freePort();
    const url = `http://localhost:${port}`;
    const first = await ready(port, { FILE_ROOTS: root });
    const form = new FormData();
    form.set("program", new Blob(["#!/bin/sh\nexec cat\n"]), "kept");
    expect((await fetch(`${url}/api/v1/artifacts`, { method: "PUT", body: form })).status).toBe(200);
    const input = join(root, "package.json");
    const answer = await fetch(`${url}/api/v1/jobs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        inputPath: `file://${input}`,
        outputPath: `file://${dir}/outside`,
        mapperName: "kept",
        reducerName: "kept",
      }),
    });
    const posted = JobSchema.parse(await answer.json());
    // The output is outside the only root, and is refused. The failed job must be found again, too.
    const ended = await until("the end of the job", async () =>
      (await jobsAt(url)).find(({ id, status }) => id === posted.id && isEnded(status)),
    );
    expect(ended).toMatchObject({ status: "failed", error: { code: "OutsideRoots" } });

    const [main, ...more] = processesWith(dir).filter(({ command }) =>
      /^\S*node .*client\/cli\/main\.ts dev$/.test(command),
    );
    expect(more).toEqual([]);
    expect(main).toBeDefined();
    if (main !== undefined) sendSignal(main.pid, "SIGKILL");
    expect(await first.exit()).not.toBe(0);
    await nothingLeft();

    const second = await ready(port);
    expect((await jobsAt(url)).find(({ id }) => id === posted.id)).toEqual(ended);
    const kept = await (await fetch(`${url}/api/v1/artifacts/kept`)).json();
    expect(ArtifactSchema.parse(kept)).toMatchObject({ name: "kept", type: "executable", size: 19 });
    second.signal("SIGINT");
    expect(endedByUser).toContain(await second.exit());
    await nothingLeft();
  });

  test("mentions PORT if the port is taken", async () => {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    try {
      const command = await dev(port);
      expect(await command.exit()).toBe(1);
      expect(command.output).toContain(
        `Port ${port} is taken. Choose another one with --port, or with the variable PORT: PORT=`,
      );
      expect(command.output).not.toContain("ready");
    } finally {
      await new Promise((closed) => server.close(closed));
    }
  });

  test("refuses an invalid port", async () => {
    const command = started("npm", ["run", "dev"], { cwd: root, env: { PORT: "http", STATE_DIR: stateDir } });
    expect(await command.exit()).toBe(2);
    expect(command.output).toContain("'http' is not a port: --port, or PORT, must be a port number");
  });
});

test("npx wrangler dev --env dev answers, and a separate agent runs its jobs", async () => {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const files = join(dir, "files");
  await mkdir(files, { recursive: true });
  await writeFile(join(files, "in.txt"), "b\na\n");
  const worker = started(
    "npx",
    ["wrangler", "dev", "--env", "dev", "--port", String(port), "--persist-to", join(dir, "worker")],
    {
      cwd: root,
      env: { EDGEFOLD_TEST: dir, WRANGLER_SEND_METRICS: "false" },
    },
  );
  await until("an answer of the Worker", async () => fetch(url).catch(() => undefined));
  const form = new FormData();
  form.set("program", new Blob(["#!/bin/sh\nexec cat\n"]), "cat");
  expect((await fetch(`${url}/api/v1/artifacts`, { method: "PUT", body: form })).status).toBe(200);
  const answer = await fetch(`${url}/api/v1/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      inputPath: `file://${files}/in.txt`,
      outputPath: `file://${files}/out`,
      mapperName: "cat",
      reducerName: "cat",
    }),
  });
  expect(answer.status).toBe(201);
  const { id } = JobSchema.parse(await answer.json());
  const job = JobSchema.parse(await (await fetch(`${url}/api/v1/jobs/${id}`)).json());
  expect(job).toMatchObject({
    status: "pending",
    conditions: [{ type: "NoAgent", message: expect.stringContaining("No agent is connected") }],
  });

  const agent = started("npm", ["exec", "--", "node", "backend/agent/main.ts"], {
    cwd: root,
    env: {
      WORKER_URL: url,
      AGENT_TOKEN: "local-development-agent",
      FILE_ROOTS: files,
      STATE_DIR: join(dir, "agent-state"),
    },
  });
  await until("the end of the job", async () => (await jobsAt(url)).find(({ status }) => status === "completed"));
  expect(await readFile(join(files, "out", id, "part-r-00000"), "utf8")).toBe("a\t\nb\t\n");
  for (const command of [agent, worker]) {
    command.signal("SIGINT");
    await command.exit();
  }
  await nothingLeft();
});

describe("npm run demo", () => {
  test("counts the words of a folder", async () => {
    const texts = join(dir, "texts");
    await mkdir(join(texts, "below"), { recursive: true });
    await writeFile(join(texts, "one.txt"), "a b c d e f g h i j k\n".repeat(50));
    await writeFile(join(texts, "below", "two.txt"), "b, B! zoë\na");
    // Its state goes to the current folder, which must not be the project's here.
    const main = join(root, "client/cli/main.ts");
    const command = started(process.execPath, [main, "demo", texts], { cwd: dir, env: { EDGEFOLD_TEST: dir } });
    expect(await command.exit()).toBe(0);
    const { output } = command;
    expect(output).toContain("stored 2 files");
    expect(output).toContain("checked: 554 words, 12 different ones, as counted directly");
    expect(output.match(/^ +\d+ \S+$/gm)?.map((line) => line.trim())).toEqual([
      "52 b",
      "51 a",
      ...["c", "d", "e", "f", "g", "h", "i", "j"].map((word) => `50 ${word}`),
    ]);
    expect(output).toMatch(/MB in \d+\.\d\d s from the POST to the end: \d+\.\d MB\/s/);
    const copy = /a copy: (\S+)/.exec(output)?.[1] ?? "";
    const lines = (await readFile(copy, "utf8")).trimEnd().split("\n");
    expect(lines).toHaveLength(12);
    expect(lines).toContain("zoë\t1");
    await nothingLeft();
  });

  test("names a folder that does not exist", async () => {
    const missing = join(dir, "no-such-folder");
    const command = started("npm", ["run", "demo", "--", missing], { cwd: root });
    expect(await command.exit()).toBe(6);
    expect(command.output).toMatch(/There is no .*no-such-folder/);
  });

  test("says that a folder is empty", async () => {
    const empty = await mkdtemp(join(dir, "empty-"));
    expect(await readdir(empty)).toEqual([]);
    const command = started("npm", ["run", "demo", "--", empty], { cwd: root });
    expect(await command.exit()).toBe(2);
    expect(command.output).toContain("There are no files to count words in");
  });
});
