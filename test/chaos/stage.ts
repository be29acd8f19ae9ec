import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Guarded } from "../../backend/host/guarded.ts";
import { openStore } from "../../backend/storage/open.ts";
import type { Store } from "../../backend/storage/store.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { agentOf, isAtWork, killAgent, killWorker, runnersAtWork, type RunnerAtWork } from "../helpers/processes.ts";
import { HookControl } from "./hooks/control.ts";
import { LiveJobs } from "./live-jobs.ts";
import { Lock } from "./lock.ts";
import { LogTail } from "./log-tail.ts";
import { StorageProxy } from "./proxies/storage-proxy.ts";
import { WorkerProxy } from "./proxies/worker-proxy.ts";
import { programs } from "./jobs/programs.ts";
import { SecretSearch } from "./secrets.ts";
import { ScratchDisk } from "./scratch-disk.ts";
import type { ChaosStore } from "./store.ts";

/** The settings of a stage's agent and runners. */
export type StageSettings = {
  readonly shuffle: "local" | "store";
  readonly sortBuffer: number;
  readonly mergeFactor: number;
};

/** Short, so that anything waiting for it is quick; the runners' pings adapt to it. */
export const leaseSeconds = 5;

const runners = 4;

/** A complete Edgefold behind proxies, whose parts can be killed and restarted. */
export class Stage {
  readonly edgefold: Edgefold;
  readonly store: ChaosStore;
  readonly storage: StorageProxy;
  readonly link: WorkerProxy;
  readonly disk: ScratchDisk;
  readonly hooks: HookControl;
  readonly jobs: LiveJobs;
  readonly log: LogTail;
  readonly secrets: SecretSearch;
  /** The directory for temporary files of the agent and the runners. */
  readonly temporary: string;
  /** For parts that only one fault at a time may kill, pause or start. */
  readonly workerLock = new Lock();
  readonly agentLock = new Lock();
  readonly diskLock = new Lock();
  /** Things that a part did unprompted. */
  readonly incidents: string[] = [];
  readonly #settings: StageSettings;
  #ending = false;

  private constructor(
    edgefold: Edgefold,
    store: ChaosStore,
    storage: StorageProxy,
    link: WorkerProxy,
    settings: StageSettings,
    jobs: LiveJobs,
    log: LogTail,
  ) {
    this.edgefold = edgefold;
    this.store = store;
    this.storage = storage;
    this.link = link;
    this.jobs = jobs;
    this.log = log;
    this.#settings = settings;
    this.secrets = new SecretSearch(join(edgefold.stateDir, "v3/do"), store.credentials.password);
    this.temporary = join(edgefold.dir, "tmp");
    mkdirSync(this.temporary);
    this.hooks = new HookControl(join(edgefold.dir, "hooks"));
    this.disk = new ScratchDisk(join(edgefold.stateDir, "agent/runners"), this.hooks);
  }

  static async start(store: ChaosStore, settings: StageSettings): Promise<Stage> {
    const log = new LogTail();
    const env = { LEASE_SECONDS: String(leaseSeconds), RUNNERS: String(runners) };
    const edgefold = await Edgefold.start({ withoutAgent: true, env, log: (text) => log.add(text) });
    const jobs = new LiveJobs();
    const storage = await StorageProxy.start(store, (text) => jobs.isLiveAddress(text));
    const stage = new Stage(edgefold, store, storage, await WorkerProxy.start(edgefold.port), settings, jobs, log);
    stage.#watchWorker(edgefold.worker);
    for (const { name, text, type } of programs) await edgefold.upload(name, text, type);
    await stage.startAgent();
    return stage;
  }

  /** The store, without the proxy. */
  get directStore(): Store {
    return openStore({ credentials: this.store.credentials, fileRoots: [] });
  }

  /** The agent's own directory. */
  get agentDirectory(): string {
    return join(this.edgefold.stateDir, "agent");
  }

  /** The runners with a running attempt: what a fault must hit to count. */
  get atWork(): RunnerAtWork[] {
    return runnersAtWork(this.edgefold).filter(({ jobId }) => this.jobs.isLive(jobId));
  }

  isAtWork(runnerId: string): boolean {
    return isAtWork(this.edgefold, runnerId);
  }

  get agentPid(): number {
    return agentOf(this.edgefold);
  }

  async startAgent(): Promise<void> {
    const { shuffle, sortBuffer, mergeFactor } = this.#settings;
    await this.edgefold.startAgent(this.link.url, {
      NODE_OPTIONS: this.hooks.nodeOptions,
      TMPDIR: this.temporary,
      SORT_BUFFER: String(sortBuffer),
      MERGE_FACTOR: String(mergeFactor),
      ...(shuffle === "store" ? { SHUFFLE: "store" } : {}),
    });
    this.#watchAgent(this.edgefold.agent);
  }

  /** `kill -9` of the agent, and a new one after a while. */
  async restartAgent(afterMs: number): Promise<void> {
    this.#expected.add(this.edgefold.agent);
    await killAgent(this.edgefold);
    await sleep(afterMs);
    await this.startAgent();
  }

  /** `kill -9` of the local host and its workerd, and a restart after a while; the state stays. */
  async restartWorker(afterMs: number): Promise<void> {
    this.#expected.add(this.edgefold.worker);
    const areAtWork = this.atWork.length > 0;
    await killWorker(this.edgefold);
    if (areAtWork) this.secrets.tryOut();
    await sleep(afterMs);
    await this.#startWorker();
  }

  /** Shuts the agent down cleanly, so that anything then remaining counts as left behind. */
  async endAgent(): Promise<void> {
    this.#ending = true;
    await this.edgefold.agent?.stop();
  }

  /** Ends the Worker; its state stays for inspection. */
  async endWorker(): Promise<void> {
    this.#ending = true;
    await this.edgefold.worker?.stop();
  }

  /** Ends everything and removes the state. */
  async stop(): Promise<void> {
    this.#ending = true;
    await this.link.stop();
    await this.edgefold.agent?.stop();
    await this.edgefold.worker?.stop();
    await this.storage.stop();
    this.disk.close();
    await this.edgefold.stop();
  }

  readonly #expected = new Set<Guarded | undefined>();

  async #startWorker(): Promise<void> {
    await this.edgefold.startWorker();
    this.#watchWorker(this.edgefold.worker);
  }

  /** It would be a defect if the local host ended by itself. */
  #watchWorker(worker: Guarded | undefined): void {
    void worker?.exited.then(async () => {
      if (this.#ending || this.#expected.delete(worker)) return;
      this.incidents.push(`the local host has ended by itself: ${worker.tail}`);
      await this.workerLock.run(async () => {
        // A fault may have restarted it first.
        if (this.edgefold.worker !== worker) return;
        await worker.stop();
        await sleep(500);
        await this.#startWorker();
      });
    });
  }

  /** It would be a defect if the agent ended by itself. */
  #watchAgent(agent: Guarded | undefined): void {
    void agent?.exited.then(async () => {
      if (this.#ending || this.#expected.delete(agent)) return;
      this.incidents.push(`the agent has ended by itself: ${agent.tail}`);
      await this.agentLock.run(async () => {
        if (this.edgefold.agent === agent) await this.startAgent();
      });
    });
  }
}
