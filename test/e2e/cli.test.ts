import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { JobDetailSchema, JobSchema } from "../../shared/api/jobs.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { processesWith } from "../helpers/proc.ts";
import { runCommand, runOnTerminal, startOnTerminal, type Ended } from "../helpers/terminal.ts";
import { until } from "../helpers/until.ts";

/** The command `edgefold` against a real system: on a terminal, read by other programs, and in JSON. */

let edgefold: Edgefold;
let cwd: string;
let env: Record<string, string>;

const fold = `#!/bin/sh
# Counts words, from a smallest length on, without those of a list.
tr -cs '[:alpha:]' '\\n' | awk -v min="$1" 'NR == FNR { stop[$1] = 1; next } length($1) >= min && !($1 in stop) { print $1 "\\t" 1 }' stop.txt -
`;
const sum = `#!/bin/sh
awk -F '\\t' '$1 != key { if (NR > 1) print key "\\t" n; key = $1; n = 0 } { n += $2 } END { if (NR > 0) print key "\\t" n }'
`;
const broken = `#!/bin/sh
echo "$MODE \\033[31mred\\033[0m" >&2
echo "cannot go on" >&2
exit 3
`;

const write = (name: string, content: string): void => {
  writeFileSync(join(cwd, name), content);
  if (content.startsWith("#!")) chmodSync(join(cwd, name), 0o755);
};

const run = async (...args: string[]): Promise<Ended> => await runCommand(args, { cwd, env });
const onTerminal = async (...args: string[]): Promise<string> => {
  const { code, shown } = await runOnTerminal(args, { cwd, env });
  expect(code, shown).toBe(0);
  return stripVTControlCharacters(shown).replaceAll("\r", "");
};
const json = async (...args: string[]): Promise<unknown> => {
  const { code, out, err } = await run(...args, "--json");
  expect(code, err).toBe(0);
  const value: unknown = JSON.parse(out);
  return value;
};

let completed: string;
let failed: string;
let first: Ended;
let second: Ended;

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "edgefold-cli-"));
  edgefold = await Edgefold.start({ fileRoots: [cwd] });
  env = { EDGEFOLD_SERVER: edgefold.url, XDG_CONFIG_HOME: join(cwd, "config"), XDG_STATE_HOME: join(cwd, "state") };
  mkdirSync(join(cwd, "texts"));
  write("texts/one.txt", "the fold folds the paper\n");
  write("texts/two.txt", "a paper is a fold\n");
  write("stop.txt", "the\nis\n");
  write("fold.sh", fold);
  write("sum.sh", sum);
  write("broken.sh", broken);
  const program = ["--mapper", "fold.sh 2", "--reducer", "sum.sh", "--file", "stop.txt"];
  first = await run("run", ...program, "--name", "words", "--tag", "team=cli", "texts/", "out/");
  completed = /job (\S+)/.exec(first.err)?.[1] ?? "";
  second = await run(
    "run",
    "--mapper",
    "broken.sh",
    "--env",
    "MODE=loud",
    "--max-attempts",
    "1",
    "--keep-failed",
    "600",
    "texts/",
    "out/",
  );
  failed = /job (\S+)/.exec(second.err)?.[1] ?? "";
});
afterAll(async () => {
  await edgefold.stop();
  rmSync(cwd, { recursive: true, force: true });
});

describe("edgefold run", () => {
  test("uploads programs and files, waits, and says where the output is", () => {
    expect(first.code, first.err).toBe(0);
    expect(first.err).toMatch(/mapper fold\.sh uploaded as fold-[0-9a-f]{12}\.sh/);
    expect(first.err).toMatch(/completed in \S+: 2 maps, 1 reduce, read 43 B, wrote \d+ B/);
    expect(first.out).toBe(`out/${completed}/\n`);
    expect(readFileSync(join(cwd, "out", completed, "part-r-00000"), "utf8")).toBe("fold\t2\nfolds\t1\npaper\t2\n");
  });

  test("says why a job has failed, with its own exit code", () => {
    expect(second.code).toBe(1);
    expect(second.err).toContain("ProgramFailed: mapper broken-");
    // What programs write is shown, and runs as no escape sequence.
    expect(second.err).toContain("loud \uFFFD[31mred");
    expect(second.err).toContain(`edgefold logs ${failed.slice(-8)} --failed`);
    expect(second.err).toContain(`edgefold resume ${failed.slice(-8)}`);
    expect(second.out).toBe("");
  });

  test("prints the output, and takes a job from a file with options before it", async () => {
    write(
      "job.yaml",
      "mapper: fold.sh 3\nreducer: sum.sh\nfiles: []\ninput: texts/\noutput: out/\nname: from a file\n",
    );
    const { code, out, err } = await run(
      "run",
      "--spec",
      "job.yaml",
      "--file",
      "stop.txt",
      "--mapper",
      "fold.sh 5",
      "--cat",
    );
    expect(code, err).toBe(0);
    expect(err).toContain("is there already as fold-");
    expect(out).toBe("folds\t1\npaper\t2\n");
  });

  test("shows the request, without secrets, and starts nothing", async () => {
    const before = await json("jobs");
    const secrets = { ...env, AWS_ACCESS_KEY_ID: "AKIA0", AWS_SECRET_ACCESS_KEY: "very-secret" };
    const { code, out } = await runCommand(
      [
        "run",
        "--dry-run",
        "--mapper",
        "fold.sh",
        "--no-speculation",
        "--reducers",
        "0",
        "s3://data/in/",
        "http://store:9000/out",
      ],
      { cwd, env: secrets },
    );
    expect(code).toBe(0);
    expect(out).not.toContain("very-secret");
    expect(JSON.parse(out)).toMatchObject({
      inputPath: "s3://data/in/",
      outputPath: "http://store:9000/out",
      nReducers: 0,
      speculation: false,
      outputStorageCredentials: "(not shown)",
    });
    expect(await json("jobs")).toEqual(before);
  });

  test.each([
    [["run", "--mapper", "fold.sh"], 2, "INPUT is missing"],
    [["run", "texts/", "out/"], 2, "--mapper is missing"],
    [["run", "--mapper", "./gone.sh", "texts/", "out/"], 6, "There is no file ./gone.sh"],
    [
      ["run", "--mapper", "nobodys.sh", "texts/", "out/"],
      6,
      "mapperName names the artifact 'nobodys.sh', which does not exist",
    ],
    [["run", "--mapper", "fold.sh", "gone/", "out/"], 6, "There is no gone/"],
    [["run", "--mapper", "fold.sh", "--max-attempts", "0", "texts/", "out/"], 2, "maxAttempts must be 1 or more"],
    [["run", "--mapper", "fold.sh", "--reducers", "many", "texts/", "out/"], 2, "'many' is not a number"],
    [["show", "zzz"], 6, "There is no job 'zzz'"],
    [["shw"], 2, "Did you mean show?"],
    [["jobs", "--since", "soon"], 2, "90m, 1d"],
    [["jobs", "--server", "http://127.0.0.1:9"], 4, "edgefold dev"],
    [["jobs", "--profile", "nobody"], 2, "There is no profile 'nobody'"],
    [["cat", "s3://:x"], 2, "s3://:x must be s3://bucket/key"],
  ])("refuses %j with exit code %i", async (args, code, message) => {
    const ended = await run(...args);
    expect([ended.code, ended.out]).toEqual([code, ""]);
    expect(ended.err).toContain(message);
    expect(ended.err).not.toContain("    at ");
  });
});

describe("on a terminal", () => {
  test("a job under way is drawn, and Ctrl-C leaves it", async () => {
    write("slow.sh", "#!/bin/sh\necho begun >&2\nsleep 60\n");
    const terminal = startOnTerminal(["run", "--mapper", "slow.sh", "texts/one.txt", "out/"], { cwd, env });
    await until(
      "a bar",
      () => /maps .*░.*0\/1 .*1 running/.test(stripVTControlCharacters(terminal.shown())) || undefined,
    );
    await until(
      "the slowest task",
      () => stripVTControlCharacters(terminal.shown()).includes("slowest  m-0") || undefined,
    );
    terminal.type("\u0003");
    expect(await terminal.exited).toBe(130);
    const id = /job (\S+)/.exec(stripVTControlCharacters(terminal.shown()))?.[1] ?? "";
    expect(terminal.shown()).toContain(`edgefold watch ${id.slice(-8)}`);
    const followed = startOnTerminal(["logs", id, "--follow"], { cwd, env });
    await until("its log", () => stripVTControlCharacters(followed.shown()).includes("m-0 | begun") || undefined);
    expect((await run("stop", id)).out).toContain("was successfully stopped");
    expect(await followed.exited).toBe(0);
    expect((await run("watch", id)).code).toBe(3);
    expect((await run("purge", id)).code).toBe(0);
    expect((await run("show", id)).code).toBe(6);
  });

  test("lists are tables with a header, and lines with tabs for other programs", async () => {
    const table = await onTerminal("jobs");
    expect(table).toMatch(/^JOB +STATUS +DONE +STARTED +TOOK +BY +NAME$/m);
    expect(table).toMatch(new RegExp(`^${completed.slice(-8)} +completed .* words$`, "m"));
    const { out } = await run("jobs", "--status", "failed");
    expect(out.split("\t").slice(0, 2)).toEqual([failed, "failed"]);
    const all = z.array(JobSchema).parse(await json("jobs", "--tag", "team=cli"));
    expect(all.map(({ id }) => id)).toEqual([completed]);
  });

  test("colours are left out where NO_COLOR says so", async () => {
    const { shown } = await runOnTerminal(["jobs"], { cwd, env });
    const plain = await runOnTerminal(["jobs"], { cwd, env: { ...env, NO_COLOR: "1" } });
    expect(shown).toContain("\u001b[32mcompleted");
    expect(plain.shown).not.toContain("\u001b[32m");
  });
});

describe("what there is of a job", () => {
  test("show has what is wrong first", async () => {
    const text = await onTerminal("show", failed.slice(-8));
    const at = (part: string): number => {
      expect(text).toContain(part);
      return text.indexOf(part);
    };
    expect(at("Error: ProgramFailed in m-")).toBeLessThan(at("cannot go on"));
    expect(at("cannot go on")).toBeLessThan(at("mapper      broken-"));
    expect(at("can be resumed")).toBeLessThan(at("Options"));
    expect(JobDetailSchema.parse(await json("show", failed))).toMatchObject({ id: failed, status: "failed" });
    expect((await run("show", completed)).out).toContain("outputRecords  3");
  });

  test("tasks, logs and events", async () => {
    const tasks = await onTerminal("tasks", failed, "--status", "failed");
    expect(tasks).toMatch(/^TASK +STATUS +TRIES/m);
    expect(tasks).toMatch(/^m-\d +failed +1 .*exited with c/m);
    expect((await run("tasks", completed)).out.split("\n").filter((line) => line.startsWith("m-"))).toHaveLength(2);
    expect(
      z.array(z.looseObject({ type: z.string() })).parse(await json("tasks", completed, "--type", "reducer")),
    ).toHaveLength(1);

    const logs = await onTerminal("logs", failed);
    expect(logs).toMatch(/==> m-\d, attempt 1 <==/);
    expect(logs).toContain("cannot go on");
    const task = /m-\d/.exec(logs)?.[0] ?? "";
    expect((await run("logs", failed, task, "--tail", "1")).out).toBe("cannot go on\n");
    expect(await json("logs", failed, task)).toMatchObject({ task, attempt: 1 });
    expect((await run("logs", completed, "--failed")).err).toContain("No task has failed.");
    expect((await run("logs", failed, "m-77")).code).toBe(6);

    const events = await onTerminal("events", completed);
    expect(events).toMatch(/job planning\n/);
    expect(events).toMatch(/m-0, attempt 1, won on runner-/);
    expect(events.trimEnd().endsWith("job completed")).toBe(true);
    const lines = (await run("events", completed, "--json")).out.trimEnd().split("\n");
    expect(lines.map((line): unknown => JSON.parse(line)).at(-1)).toMatchObject({ kind: "job", status: "completed" });
  });

  test("a job is named by its id, by a part of it, or as the latest", async () => {
    for (const name of [completed, completed.slice(-8), completed.slice(-12)]) {
      expect(await json("show", name)).toMatchObject({ id: completed });
    }
    const [latest] = z.array(JobSchema).parse(await json("jobs", "--limit", "1"));
    expect(await json("show", "@")).toMatchObject({ id: latest?.id });
    const ambiguous = await run("show", completed.slice(0, 3));
    expect([ambiguous.code, ambiguous.err]).toEqual([2, expect.stringContaining("stands for")]);
  });

  test("debug fails as the task did, with its own input, and leaves a script", async () => {
    const task = /^m-\d/m.exec((await run("tasks", failed, "--status", "failed")).out)?.[0] ?? "";
    const ended = await run("debug", failed, task, "--folder", "debugged");
    expect(ended.code).toBe(1);
    expect(ended.err).toContain("loud");
    expect(ended.err).toMatch(new RegExp(`${task} has failed: mapper broken-\\S+ exited with code 3`));
    expect(readFileSync(join(cwd, "debugged/input"), "utf8")).toBe(
      readFileSync(join(cwd, `texts/${task === "m-0" ? "one" : "two"}.txt`), "utf8"),
    );
    expect(readFileSync(join(cwd, "debugged/run.sh"), "utf8")).toContain("export MODE='loud'");
    const again = await run("debug", failed, task, "--folder", "debugged");
    expect([again.code, again.err]).toEqual([2, expect.stringContaining("is not empty")]);
  });

  test("resume and rerun take what is to be another one", async () => {
    write("mended.sh", "#!/bin/sh\nexec tr a-z A-Z\n");
    const resumed = await run("resume", failed, "--mapper", "mended.sh");
    expect(resumed.code, resumed.err).toBe(0);
    expect((await run("cat", failed)).out.split("\n").toSorted()).toEqual([
      "",
      "A PAPER IS A FOLD",
      "THE FOLD FOLDS THE PAPER",
    ]);
    const rerun = await run("rerun", completed, "--mapper", "fold.sh 5", "--detach");
    expect(rerun.code, rerun.err).toBe(0);
    const job = JobDetailSchema.parse(await json("watch", rerun.out.trim()));
    expect(job).toMatchObject({ rerunOf: completed, name: "words", status: "completed" });
    expect((await run("cat", job.id)).out).toBe("folds\t1\npaper\t2\n");
  });
});

describe("artifacts, stores and servers", () => {
  test("artifacts are put, listed, fetched and removed", async () => {
    expect((await run("artifacts", "put", "sum.sh", "total")).err).toContain("total: executable");
    expect(await onTerminal("artifacts", "ls")).toMatch(/^total +executable +\d+ B /m);
    expect((await run("artifacts", "get", "total")).out).toBe(sum);
    expect((await run("artifacts", "get", "total", "copy.sh")).code).toBe(0);
    expect(readFileSync(join(cwd, "copy.sh"), "utf8")).toBe(sum);
    expect(
      z
        .array(z.looseObject({ name: z.string() }))
        .parse(await json("artifacts", "ls", "--type", "executable"))
        .map(({ name }) => name),
    ).toContain("total");
    expect((await run("artifacts", "rm", "total")).code).toBe(0);
    expect((await run("artifacts", "get", "total")).code).toBe(6);
  });

  test("objects are copied, listed, printed and removed", async () => {
    const bucket = `${edgefold.s3Endpoint}/data/cli/`;
    const copied = await run("cp", "texts", bucket);
    expect(copied.code, copied.err).toBe(0);
    expect((await run("ls", bucket)).out.split("\n").map((line) => line.split("\t")[1])).toEqual([
      `${bucket}one.txt`,
      `${bucket}two.txt`,
      undefined,
    ]);
    expect(await onTerminal("ls", bucket)).toMatch(/^ +\d+ B {2}http.*one\.txt$/m);
    expect(await json("ls", bucket)).toHaveLength(2);
    expect((await run("cat", `${bucket}two.txt`)).out).toBe("a paper is a fold\n");
    expect((await run("cp", `${bucket}one.txt`, "here.txt")).code).toBe(0);
    expect(readFileSync(join(cwd, "here.txt"), "utf8")).toBe("the fold folds the paper\n");
    expect((await run("rm", bucket)).code).toBe(2);
    expect((await run("rm", "--recursive", bucket)).err).toContain("2 removed");
    expect((await run("ls", bucket)).out).toBe("");
    expect((await run("cat", `${bucket}two.txt`)).code).toBe(6);
  });

  test("what opens a store comes from AWS's variables and profiles", async () => {
    const bucket = `${edgefold.s3Endpoint}/data/aws/`;
    expect((await run("cp", "texts", bucket)).code).toBe(0);
    const { username, password } = edgefold.keys;
    write("credentials", `[mine]\naws_access_key_id = ${username}\naws_secret_access_key = ${password}\n`);
    const list = async (variables: Record<string, string>): Promise<Ended> => {
      const files = { AWS_SHARED_CREDENTIALS_FILE: join(cwd, "credentials"), AWS_CONFIG_FILE: join(cwd, "none") };
      const aws = {
        ...env,
        ...files,
        AWS_ENDPOINT_URL_S3: edgefold.s3Endpoint,
        AWS_EC2_METADATA_DISABLED: "true",
        ...variables,
      };
      return await runCommand(["ls", "s3://data/aws/"], { cwd, env: aws });
    };
    const keys = { AWS_ACCESS_KEY_ID: username, AWS_SECRET_ACCESS_KEY: password };
    expect((await list(keys)).out.trimEnd().split("\n")).toHaveLength(2);
    expect((await list({ AWS_PROFILE: "mine" })).out.trimEnd().split("\n")).toHaveLength(2);
    const wrong = await list({ ...keys, AWS_SECRET_ACCESS_KEY: "wrong" });
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("SignatureDoesNotMatch")]);
    const nobody = await list({ AWS_PROFILE: "nobody" });
    expect([nobody.code, nobody.err]).toEqual([2, expect.stringContaining("AWS_PROFILE cannot be used")]);
  });

  test("clusters and doctor say how things stand", async () => {
    expect(await onTerminal("clusters")).toMatch(/^default +connected +\d+ +process/m);
    const { code, out } = await run("doctor", `${edgefold.s3Endpoint}/data/`);
    expect(out).toMatch(/✓ server: .* answers, release \d/);
    expect(out).toContain("✓ clock: ");
    expect(out).toContain("✓ token: is known as local, with the role admin");
    expect(out).toContain("✓ cluster default: connected");
    expect(out).toContain("can be listed from here");
    expect(code).toBe(0);
  });

  test("a login is kept in a file of this user alone", async () => {
    const own = { XDG_CONFIG_HOME: join(cwd, "profiles") };
    const as = async (...args: string[]): Promise<Ended> => await runCommand(args, { cwd, env: own });
    const login = await runCommand(["login", "--server", edgefold.url, "--profile", "here"], {
      cwd,
      env: own,
      input: "",
    });
    expect(login.code, login.err).toBe(0);
    expect(statSync(join(cwd, "profiles/edgefold/profiles.json")).mode & 0o777).toBe(0o600);
    expect((await as("profiles")).out).toBe(`here\tyes\tnone\t${edgefold.url}\n`);
    expect((await as("show", completed)).code).toBe(0);
    expect((await as("logout")).code).toBe(0);
    expect((await as("profiles")).out).toBe("");
  });

  test("tokens are issued once, and removed", async () => {
    const issued = await run("tokens", "issue", "ci", "--role", "viewer", "--expires", "2999-12-31");
    expect(issued.out).toMatch(/^ef_\S{43}\n$/);
    expect(await onTerminal("tokens", "ls")).toMatch(/^ci +viewer +2999-12-31/m);
    expect((await run("tokens", "rm", "ci")).code).toBe(0);
    expect((await run("tokens", "ls")).out).toBe("");
  });

  test("a shell completes", async () => {
    expect((await run("completion", "bash")).out).toContain("edgefold");
    expect((await run("complete", "--", "artifacts", "")).out).toContain("put");
  });
});

/** As of a user who has named no server. */
const own = async (...args: string[]): Promise<Ended> =>
  await runCommand(args, {
    cwd,
    env: { XDG_STATE_HOME: join(cwd, "own-state"), XDG_CONFIG_HOME: join(cwd, "nothing") },
  });

describe("without a server", () => {
  test("one is started for the command, keeps its jobs, and ends with it", async () => {
    const ran = await own("run", "--mapper", "fold.sh 2", "--reducer", "sum.sh", "--file", "stop.txt", "texts/");
    expect([ran.code, ran.out], ran.err).toEqual([0, "fold\t2\nfolds\t1\npaper\t2\n"]);
    expect(z.array(JobSchema).parse(JSON.parse((await own("jobs", "--json")).out))).toMatchObject([
      { status: "completed" },
    ]);
    await expect.poll(() => processesWith(join(cwd, "own-state")), { timeout: 20_000 }).toEqual([]);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith("edgefold-output-"))).toEqual([]);
  });

  test("that of 'edgefold dev' is used while it runs", async () => {
    const state = { XDG_STATE_HOME: join(cwd, "own-state"), XDG_CONFIG_HOME: join(cwd, "nothing"), PORT: "0" };
    const port = edgefold.port + 1;
    const dev = startOnTerminal(["dev", "--port", String(port), "--root", cwd], { cwd, env: state });
    await until("readiness", () => dev.shown().includes(`Edgefold is ready on http://localhost:${port}`) || undefined);
    const job = JobSchema.parse(JSON.parse((await own("show", "@", "--json")).out));
    expect((await fetch(`http://localhost:${port}/api/v1/jobs/${job.id}`)).status).toBe(200);
    const other = startOnTerminal(["dev", "--port", String(port + 1)], { cwd, env: state });
    expect(await other.exited).toBe(1);
    expect(other.shown()).toContain("uses the state in");
    dev.type("\u0003");
    expect(await dev.exited).toBe(0);
  });

  test("a server for a team asks for its token", async () => {
    const state = join(cwd, "team");
    const port = edgefold.port + 3;
    const team = startOnTerminal(["server", "--listen", "127.0.0.1", "--state", state, "--port", String(port)], {
      cwd,
      env: {},
    });
    await until("readiness", () => team.shown().includes("Edgefold is ready") || undefined);
    expect(statSync(join(state, "access.json")).mode & 0o777).toBe(0o600);
    const { adminToken } = z
      .object({ adminToken: z.string() })
      .parse(JSON.parse(readFileSync(join(state, "access.json"), "utf8")));
    expect(team.shown()).not.toContain(adminToken);
    const url = `http://127.0.0.1:${port}`;
    const as = async (token: string, ...args: string[]): Promise<Ended> =>
      await runCommand(args, {
        cwd,
        env: { EDGEFOLD_SERVER: url, EDGEFOLD_TOKEN: token, XDG_CONFIG_HOME: join(cwd, "nothing") },
      });
    expect((await as("wrong-token-of-nobody", "jobs")).code).toBe(5);
    expect((await as(adminToken, "doctor")).out).toContain("with the role admin");
    const { out } = await as(adminToken, "tokens", "issue", "anna", "--role", "viewer");
    expect((await as(out.trim(), "doctor")).out).toContain("with the role viewer");
    expect((await as(out.trim(), "run", "--mapper", "fold.sh", "--reducers", "0", "texts/", "out/")).code).toBe(5);
    team.type("\u0003");
    expect(await team.exited).toBe(0);
    expect(existsSync(join(state, "host.lock"))).toBe(false);
  });
});
