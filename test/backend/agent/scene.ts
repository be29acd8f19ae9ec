import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, vi } from "vitest";
import { z } from "zod";
import { defaultTimes, type ProcessTimes } from "../../../backend/agent/launchers/process.ts";
import { groupAlive, sendSignal } from "../../../backend/process-groups.ts";
import type { WantedJob } from "../../../shared/protocol/agent.ts";
import { bundleForNode } from "../../../backend/host/bundle.ts";
import { FakeWorker, type Dialled, type Received } from "../fake-worker.ts";

const source = fileURLToPath(new URL(".", import.meta.url));
const programs = mkdtempSync(join(tmpdir(), "agent-programs-"));
await bundleForNode([join(source, "fixture-agent.ts"), join(source, "fake-runner.ts")], source, programs);
process.once("exit", () => rmSync(programs, { recursive: true, force: true }));

const ReadySchema = z.object({
  pid: z.int(),
  program: z.int().optional(),
  /** Empty while it has no job. */
  jobId: z.string(),
  token: z.string(),
  runnerId: z.string(),
  workDir: z.string(),
  env: z.record(z.string(), z.string()),
});
/** A runner that is up. */
export type Ready = z.infer<typeof ReadySchema>;

/** A running agent process, with its output so far. */
export type AgentProcess = { readonly child: ChildProcess; out: string; exitCode: Promise<number | null> };

/** Generous: these limits detect a broken agent; they do not measure a good one. */
export const patiently = { timeout: 30_000, interval: 10 };

/** A fake Worker, and real agent processes with their fake runners, sharing a state directory. */
export class Scene {
  readonly dir = mkdtempSync(join(tmpdir(), "agent-"));
  readonly stateDir = join(this.dir, "state");
  readonly #runnersDir = join(this.dir, "seen");
  readonly worker: FakeWorker;
  wanted: WantedJob[] = [];
  remove: string[] = [];
  readonly agents: AgentProcess[] = [];

  constructor(worker: FakeWorker) {
    this.worker = worker;
    mkdirSync(this.#runnersDir);
    worker.answer = (message, from) => this.answer(message, from);
  }

  static async open(): Promise<Scene> {
    return new Scene(await FakeWorker.start());
  }

  /** The Worker's default answers. */
  answer(message: Received, from: Dialled): void {
    const { wanted, remove } = this;
    const body = message.kind === "hello" ? { kind: "welcome", wanted, remove } : { kind: "done" };
    from.send({ re: message.id, ...body });
  }

  /**
   * What the fake runners of a job do from now on, in the words of `fake-runner.ts`. The job `""` stands for runners without a
   * job.
   */
  mode(jobId: string, words: string): void {
    writeFileSync(join(this.#runnersDir, `${jobId}.mode`), words);
  }

  /** Lets the `busy` runners finish. */
  finish(): void {
    writeFileSync(join(this.#runnersDir, "finish"), "");
  }

  start(env: Record<string, string> = {}, times: Partial<ProcessTimes> = {}): AgentProcess {
    const runner = [process.execPath, join(programs, "fake-runner.js"), this.#runnersDir];
    const own = { AGENT_TOKEN: "agent-secret", RUNNERS: "4", STATE_DIR: this.stateDir };
    const child = spawn(
      process.execPath,
      [join(programs, "fixture-agent.js"), JSON.stringify({ ...defaultTimes, firstWaitMs: 10, ...times }), ...runner],
      { env: { PATH: process.env["PATH"], WORKER_URL: `http://127.0.0.1:${this.worker.port}`, ...own, ...env } },
    );
    const exitCode = once(child, "exit").then(() => child.exitCode);
    const agent: AgentProcess = { child, out: "", exitCode };
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (agent.out += String(chunk)));
    this.agents.push(agent);
    return agent;
  }

  want(jobId: string, runners: number): void {
    const job = { jobId, version: 1, runners, token: `token-${jobId}`, pods: { credentialSecrets: [] } };
    this.wanted = [...this.wanted.filter((other) => other.jobId !== jobId), job];
    if (this.worker.connections.length > 0) this.worker.current.send({ kind: "wanted", job });
  }

  removeJob(jobId: string): void {
    this.wanted = this.wanted.filter((job) => job.jobId !== jobId);
    this.remove.push(jobId);
    this.worker.current.send({ kind: "remove", jobId });
  }

  /** All runners that have ever come up, or those of a job. The job `""` stands for runners without a job. */
  seen(jobId?: string): Ready[] {
    return readdirSync(this.#runnersDir)
      .filter((name) => name.endsWith(".json"))
      .map((name) => ReadySchema.parse(JSON.parse(readFileSync(join(this.#runnersDir, name), "utf8"))))
      .filter((runner) => jobId === undefined || runner.jobId === jobId);
  }

  /** The live ones. */
  alive(jobId?: string): Ready[] {
    return this.seen(jobId).filter((runner) => groupAlive(runner.pid));
  }

  /** Waits until this many runners of a job are live. The job `""` stands for runners without a job. */
  async settle(jobId: string, count: number): Promise<Ready[]> {
    return vi.waitUntil(() => {
      const alive = this.alive(jobId);
      return alive.length === count ? alive : undefined;
    }, patiently);
  }

  /** Waits for `count` requests of this kind for a job. */
  async told(kind: string, jobId: string, count = 1): Promise<Received[]> {
    return vi.waitUntil(() => {
      const told = this.worker.received(kind).filter((message) => message["jobId"] === jobId);
      return told.length >= count ? told : undefined;
    }, patiently);
  }

  /**
   * Waits for the first condition of a job. On a busy machine, a runner that is to end may live long enough to count as one
   * that works, so that the first report may have none.
   */
  async trouble(jobId: string): Promise<Received> {
    return vi.waitUntil(
      () =>
        this.worker
          .received("conditions")
          .find((message) => message["jobId"] === jobId && JSON.stringify(message["conditions"]) !== "[]"),
      patiently,
    );
  }

  /** Ends everything, and fails if a runner's process is left that should be gone. */
  async close(): Promise<void> {
    for (const { child } of this.agents) child.kill("SIGTERM");
    await Promise.all(this.agents.map(({ exitCode }) => exitCode));
    await this.worker.stop();
    const groups = this.seen().flatMap(({ pid, program }) => (program === undefined ? [pid] : [pid, program]));
    const left = groups.filter(groupAlive);
    for (const group of left) sendSignal(-group, "SIGKILL");
    const runners = join(this.stateDir, "agent", "runners");
    const directories = existsSync(runners) ? readdirSync(runners) : [];
    rmSync(this.dir, { recursive: true, force: true });
    expect({ left, directories }).toEqual({ left: [], directories: [] });
  }
}
