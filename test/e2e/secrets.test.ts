import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it, test, vi } from "vitest";
import { JobSchema, type Job } from "../../shared/api/jobs.ts";
import { Front } from "../cluster/front.ts";
import { ClusterStage } from "../cluster/stage.ts";
import { Canary, filesBelow, readOr } from "../helpers/canary.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { runnersOf } from "../helpers/processes.ts";
import { until } from "../helpers/until.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

/** Storage passwords and session tokens appear only where they are needed. */

const password = new Canary("password");
const token = new Canary("token");
const keyId = new Canary("key-id", "");
const canaries = { password, token };
const credentials = {
  username: keyId.text,
  password: password.text,
  sessionToken: token.text,
};

/** Finds canaries that must not be in a content. @returns which ones, and in which form */
const leaks = (content: Buffer | string, also: readonly Canary[] = []): string[] =>
  [...Object.values(canaries), ...also].flatMap((canary) =>
    canary.formsIn(content).map((form) => `${canary.text} as ${form}`),
  );

/** Shell commands that print everything a program can see of its environment. */
const surroundings =
  "env; tr '\\0' '\\n' < /proc/self/environ; cat /proc/$PPID/environ /proc/$PPID/cmdline | tr '\\0' '\\n'";

const moduleSurroundings = `
import { readFileSync } from "node:fs";
import { workerData } from "node:worker_threads";
const all = () => JSON.stringify([process.env, process.argv, process.execArgv, workerData, readFileSync("/proc/self/environ", "utf8"), readFileSync("/proc/self/cmdline", "utf8")]);
`;

describe("the search", () => {
  const folder = mkdtempSync(join(tmpdir(), "edgefold-canary-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each<[string, (text: string) => Buffer | string]>([
    ["itself", (text) => text],
    ["JSON in JSON", (text) => JSON.stringify({ text })],
    ["URL-encoded", encodeURIComponent],
    ["hex", (text) => Buffer.from(text).toString("hex")],
    ["Base64", (text) => Buffer.from(text).toString("base64")],
    ["Base64, after one byte", (text) => Buffer.from(`a${text}b`).toString("base64")],
    ["Base64, after two bytes", (text) => Buffer.from(`ab${text}cde`).toString("base64")],
    ["Base64 for URLs", (text) => Buffer.from(text).toString("base64url")],
    ["UTF-16", (text) => Buffer.from(text, "utf16le")],
  ])("finds a canary as %s", (_, form) => {
    writeFileSync(join(folder, "file"), Buffer.concat([Buffer.from("before "), Buffer.from(form(password.text))]));
    expect(password.filesIn(folder)).not.toEqual([]);
    expect(token.filesIn(folder)).toEqual([]);
  });
});

const script = (text: string): string => `#!/bin/sh\n${text}\n`;

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** A store that refuses every request as S3 does, and echoes everything it received. */
const echoingStore = async (): Promise<Server> => {
  const server = createServer((request, response) => {
    request.resume();
    const sent = String(request.headers["x-amz-security-token"]);
    response.writeHead(403, { "content-type": "application/xml" }).end(`<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>SignatureDoesNotMatch</Code><Message>Not signed well: ${escaped(sent)}</Message>
<AWSAccessKeyId>${escaped(keyId.text)}</AWSAccessKeyId><StringToSign>${escaped(JSON.stringify(request.headers))}</StringToSign>
<SignatureProvided>${escaped(String(request.headers.authorization))}</SignatureProvided></Error>`);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
};

const urlOf = (server: Server): string => {
  const address = server.address();
  return typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
};

/** All responses of the API that a reader can get. */
const everything = async ({ url }: Edgefold, ids: readonly string[]): Promise<string> => {
  const paths = ["/", "/openapi.json", "/api/v1/jobs", "/api/v1/artifacts", "/api/v1/clusters"];
  const jobs = ids.flatMap((id) => {
    const [job, task] = [`/api/v1/jobs/${id}`, `/api/v1/jobs/${id}/tasks/${id}-m-0`];
    const attempts = `${task}/attempts`;
    return [job, `${job}/tasks`, `${job}/events`, task, attempts, `${attempts}/1`, `${attempts}/1/log`];
  });
  // The event stream of a running job does not end, but the list of its events does.
  const headers = { accept: "application/json" };
  const texts = await Promise.all(
    [...paths, ...jobs].map(async (path) => (await fetch(url + path, { headers })).text()),
  );
  return texts.join("\n");
};

/** The files below a folder that contain this text. */
const filesWith = (folder: string, text: string): string[] =>
  filesBelow(folder).filter((path) => readOr(path).includes(text));

/** The sealed credentials in the databases of all jobs. */
const sealed = (folder: string): string[] =>
  filesBelow(folder)
    .filter((path) => path.endsWith(".sqlite"))
    .flatMap((path) => {
      const database = new DatabaseSync(path, { readOnly: true });
      try {
        const isJob = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'secret'").get() !== undefined;
        return isJob
          ? database
              .prepare("SELECT sealed FROM secret")
              .all()
              .map((row) => String(row["sealed"]))
          : [];
      } finally {
        database.close();
      }
    });

describe("with runners as processes", () => {
  let edgefold: Edgefold;
  let front: Front;
  let echoing: Server;
  let printed = "";
  /** The responses to requests that change something. */
  let answers = "";
  const ids: string[] = [];

  beforeAll(async () => {
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    edgefold = await Edgefold.start();
    // It accepts any signature, and signs requests again with the keys of the local store.
    front = await Front.start(edgefold, "127.0.0.1");
    echoing = await echoingStore();
    await edgefold.put("data/in-the-input-path.txt", "a b\n");
    await edgefold.upload("cat", script("cat"));
    await edgefold.upload("tells", script(`cat > /dev/null; ${surroundings}`));
    await edgefold.upload("fails", script(`cat > /dev/null; (${surroundings}) >&2; exit 3`));
    await edgefold.upload("waits", script(`(${surroundings}) >&2; # in-the-artifact\nsleep 1000`));
    await edgefold.upload(
      "tells.mjs",
      `${moduleSurroundings} export const map = (line, emit) => emit(all());`,
      "module",
    );
    await edgefold.upload(
      "fails.mjs",
      `${moduleSurroundings} export const map = () => { throw new Error(all()); };`,
      "module",
    );
  });
  afterAll(async () => {
    echoing.closeAllConnections();
    echoing.close();
    await front.stop();
    await edgefold.stop();
    vi.restoreAllMocks();
  });

  const post = async (mapperName: string, store = front.s3Endpoint, keys: object = credentials): Promise<Job> => {
    const response = await edgefold.postRaw({
      inputPath: `${store}/data/in-the-input-path.txt`,
      outputPath: `${store}/reducers`,
      mapperName,
      reducerName: "cat",
      inputStorageCredentials: keys,
      outputStorageCredentials: keys,
    });
    const text = await response.text();
    answers += text;
    expect(response.status).toBe(201);
    const job = JobSchema.parse(JSON.parse(text));
    ids.push(job.id);
    return job;
  };

  const expectNothingAnywhere = async (): Promise<void> => {
    for (const canary of Object.values(canaries)) {
      expect(canary.filesIn(edgefold.dir)).toEqual([]);
      expect(canary.processes()).toEqual([]);
    }
    // The key id is not a secret, but must not be exposed here either.
    expect(keyId.processes()).toEqual([]);
    expect(leaks(await everything(edgefold, ids), [keyId])).toEqual([]);
    expect(leaks(answers, [keyId])).toEqual([]);
    expect(leaks(printed + (edgefold.worker?.tail ?? "") + (edgefold.agent?.tail ?? ""), [keyId])).toEqual([]);
  };

  test.each(["tells", "tells.mjs"])("a completed job, with the program %s", async (mapperName) => {
    const job = await edgefold.completed((await post(mapperName)).id);
    const output = Buffer.concat(
      await Promise.all(
        job.outputs.map((part) => edgefold.readAll(edgefold.s3Endpoint + part.slice(front.s3Endpoint.length))),
      ),
    );
    // Proves that the output includes the environment of the runner, too.
    expect(output.toString()).toContain("PROCESS_LEDGER");
    expect(leaks(output, [keyId])).toEqual([]);
    await expectNothingAnywhere();
  });

  test.each(["fails", "fails.mjs"])("a job that fails with its environment in the message: %s", async (mapperName) => {
    const job = await edgefold.ended((await post(mapperName)).id);
    expect(job.status).toBe("failed");
    expect(job.error?.message).toContain("PATH");
    await expectNothingAnywhere();
  });

  test.each([
    ["the key id", "Unauthorized", {}],
    ["the password", "SignatureDoesNotMatch", { username: "local-development", sessionToken: undefined }],
  ])("a job with %s wrong", async (_, code, keys) => {
    const { id } = await post("cat", edgefold.s3Endpoint, { ...credentials, ...keys });
    expect((await edgefold.ended(id)).error?.code).toBe(code);
    await expectNothingAnywhere();
  });

  test("a job whose store echoes its request", async () => {
    const job = await edgefold.ended((await post("cat", urlOf(echoing))).id);
    expect(job.error).toMatchObject({ code: "SignatureDoesNotMatch" });
    expect(job.error?.message).toContain("Not signed well: …");
    await expectNothingAnywhere();
  });

  test("a running job that is then stopped", async () => {
    const { id } = await post("waits");
    await edgefold.waitFor(id, ({ progress }) => progress.maps.running === 1);
    await until("its program", () => (runnersOf(id).length > 0 ? true : undefined));
    await expectNothingAnywhere();
    // The search itself works: it finds other texts in the databases and among the programs.
    expect(filesWith(edgefold.dir, "in-the-input-path").join()).toMatch(/JobObject[^,]*\.sqlite/);
    expect(filesWith(edgefold.dir, "in-the-artifact").join()).toMatch(/r2/);
    const rows = sealed(edgefold.stateDir);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toMatch(/^[0-9a-f]{16}\.[A-Za-z0-9+/]+=*$/);
    const response = await edgefold.stopJob(id);
    answers += await response.text();
    await edgefold.ended(id);
    await expectNothingAnywhere();
  });

  test("after all jobs have ended, even sealed credentials are gone", async () => {
    await until("nothing sealed", () => (sealed(edgefold.stateDir).length === 0 ? true : undefined));
    await edgefold.agent?.stop();
    await edgefold.worker?.stop();
    expect(sealed(edgefold.stateDir)).toEqual([]);
    for (const canary of Object.values(canaries)) expect(canary.filesIn(edgefold.dir)).toEqual([]);
  });
});

describe("with runners as pods", () => {
  let cluster: SimulatedCluster;
  let stage: ClusterStage;

  beforeAll(async () => {
    cluster = await SimulatedCluster.start();
    stage = await ClusterStage.start(cluster);
    await stage.script("fails", `cat > /dev/null; (${surroundings}) >&2; exit 3`);
    await stage.script("waits", `(${surroundings}) >&2; sleep 1000`);
  });
  afterAll(async () => {
    await stage.stop();
    await cluster.fake.stop();
  });

  const post = async (mapperName: string): Promise<string> => {
    const { id } = await stage.post({
      inputPath: await stage.input("a b\n"),
      mapperName,
      nReducers: 0,
      inputStorageCredentials: credentials,
      outputStorageCredentials: credentials,
    });
    return id;
  };

  /** All objects of the jobs' namespace, and the logs of its pods. */
  const objects = async (): Promise<string> => {
    const all = await cluster.everything();
    const logs = cluster.fake.pods().map(({ metadata }) => cluster.fake.logs(metadata.name));
    return JSON.stringify([all, logs]);
  };

  it("no object of the cluster contains them, nor any process of a pod", async () => {
    const waiting = await post("waits");
    await stage.edgefold.waitFor(waiting, ({ progress }) => progress.maps.running === 1);
    const all = await objects();
    expect(all).toContain(`edgefold-${waiting}`);
    expect(leaks(all, [keyId])).toEqual([]);
    for (const canary of Object.values(canaries)) {
      expect(canary.processes()).toEqual([]);
      expect(canary.filesIn(stage.edgefold.dir)).toEqual([]);
    }
    const failing = await post("fails");
    const { error } = await stage.edgefold.ended(failing);
    expect(error?.message).toContain("RUNNER_TOKEN_FILE");
    expect(leaks(await objects(), [keyId])).toEqual([]);
    expect(leaks(await everything(stage.edgefold, [waiting, failing]), [keyId])).toEqual([]);
    await stage.end(waiting);
    await stage.gone(waiting);
  });
});
