import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { commandOf, type Image } from "./container-command.ts";
import { ContainerLog } from "./container-log.ts";
import { ContainerProcess, type Command } from "./container-process.ts";
import type { Mount } from "./mounts.ts";
import type { Container, ContainerState, Pod, Terminated } from "./object-schemas.ts";
import type { PodReport } from "./pod-report.ts";
import type { Addresses } from "./pod-status.ts";
import { PodVolumes, type TokenOf } from "./pod-volumes.ts";
import { probe } from "./readiness-probe.ts";
import { SetupProblem } from "./setup-problem.ts";
import type { Store } from "./store.ts";
import { readTerminationMessage, terminationMount } from "./termination-message.ts";
import { timestamp } from "./time.ts";

/** The first and the longest pause before another attempt to set up a pod, in ms; each pause is twice as long as the last. */
const firstRetryMs = 100;
const lastRetryMs = 2000;
/** How long an evicted container has to end, in ms. */
const evictionMs = 1000;

export type RunnerOptions = {
  readonly store: Store;
  readonly report: PodReport;
  readonly images: ReadonlyMap<string, Image>;
  readonly tokenOf: TokenOf;
  readonly addresses: Addresses;
  /** The pod's own directory, for its volumes; removed with the pod. */
  readonly directory: string;
};

/** Runs one pod, from its assignment to the node until its container has ended. */
export class PodRunner {
  readonly log = new ContainerLog();
  /** Resolves once nothing of it runs any more and its end has been reported. */
  readonly done: Promise<void>;
  readonly #pod: Pod;
  readonly #options: RunnerOptions;
  readonly #setup = new AbortController();
  #process: ContainerProcess | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  /** When to kill it. */
  #deadline = Number.POSITIVE_INFINITY;
  /** The reason reported for its container's end. */
  #reason: string | undefined;
  #isLost = false;
  #isOver = false;

  constructor(pod: Pod, options: RunnerOptions) {
    this.#pod = pod;
    this.#options = options;
    this.done = this.#run();
  }

  /** Ends it with SIGTERM, then SIGKILL after the grace period. */
  terminate(graceMs: number): void {
    const deadline = Date.now() + graceMs;
    if (this.#isOver || deadline >= this.#deadline) return;
    this.#setup.abort();
    this.#deadline = deadline;
    if (this.#process !== undefined) this.#options.report.stopping(this.#pod);
    if (graceMs > 0) this.#process?.terminate();
    clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => void this.#process?.kill(), graceMs);
  }

  /** Ends it at once. @param reason shown in its status instead of `Error` */
  async kill(reason?: string): Promise<void> {
    this.#reason ??= reason;
    this.#deadline = 0;
    this.#setup.abort();
    await this.#process?.kill();
  }

  /** Evicts the pod because its node needs the resources. */
  async evict(message: string): Promise<void> {
    this.#options.report.evicted(this.#pod, message);
    this.terminate(evictionMs);
    await this.done;
  }

  /** Ends it as the loss of its node does: its end is never reported. */
  async lose(): Promise<void> {
    this.#isLost = true;
    await this.kill();
  }

  async #run(): Promise<void> {
    const { report, addresses, directory } = this.#options;
    mkdirSync(directory);
    report.takenOver(this.#pod, addresses);
    const [container] = this.#pod.spec.containers;
    if (container === undefined) throw new Error(`the pod ${this.#pod.metadata.name} has no container`);
    const end = await this.#start(container);
    this.#isOver = true;
    clearTimeout(this.#killTimer);
    if (this.#isLost) return;
    if (end === undefined) report.neverRan(this.#pod);
    else report.terminated(this.#pod, end);
    await rm(directory, { recursive: true, force: true });
  }

  /** Sets up and runs the container. @returns how it ended; undefined if it never ran */
  async #start(container: Container): Promise<Terminated | undefined> {
    const { store, tokenOf, directory } = this.#options;
    this.#wait("ContainerCreating");
    const volumes = new PodVolumes(store, tokenOf, this.#pod, directory);
    const mounts = await this.#once(async () => [
      ...(await volumes.mount(container)),
      await terminationMount(container, directory),
    ]);
    const image = await this.#once(() => this.#imageOf(container));
    if (mounts === undefined || image === undefined) return undefined;
    const command = await this.#once(() => commandOf(store, this.#current, container, image, mounts));
    return command === undefined ? undefined : this.#runContainer(container, command, mounts);
  }

  async #runContainer(
    container: Container,
    command: Command,
    mounts: readonly Mount[],
  ): Promise<Terminated | undefined> {
    const startedAt = timestamp();
    try {
      this.#process = await ContainerProcess.start(command, this.log);
    } catch (error) {
      const message = `failed to create containerd task: ${error instanceof Error ? error.message : String(error)}`;
      return { exitCode: 128, reason: "StartError", message, startedAt, finishedAt: timestamp() };
    }
    // It can have been told to end while it was starting.
    if (this.#deadline <= Date.now()) await this.#process.kill();
    else if (this.#setup.signal.aborted) this.#process.terminate();
    const probing = new AbortController();
    const probed = this.#probe(container, command, mounts, probing.signal, startedAt);
    const exitCode = await this.#process.ended;
    probing.abort();
    await probed;
    const message = await readTerminationMessage(container, mounts, exitCode, this.log);
    return {
      exitCode,
      reason: this.#reason ?? (exitCode === 0 ? "Completed" : "Error"),
      ...(message === "" ? {} : { message }),
      startedAt,
      finishedAt: timestamp(),
      containerID: `local://${this.#pod.metadata.uid}`,
    };
  }

  /** A container without a probe is ready while it runs. */
  async #probe(
    { readinessProbe }: Container,
    command: Command,
    mounts: readonly Mount[],
    signal: AbortSignal,
    startedAt: string,
  ): Promise<void> {
    const { report } = this.#options;
    const state: ContainerState = { running: { startedAt } };
    report.running(this.#pod, state, readinessProbe?.exec === undefined);
    if (readinessProbe?.exec === undefined) return;
    await probe(readinessProbe, command, mounts, signal, (isReady) => report.running(this.#pod, state, isReady));
  }

  #imageOf({ image: name }: Container): Image {
    const image = this.#options.images.get(name);
    if (image !== undefined) return image;
    throw new SetupProblem(
      "ErrImagePull",
      `failed to pull and unpack image "${name}": failed to resolve reference: not found`,
    );
  }

  /** Repeats a step of the setup until what it needs exists. @returns undefined if the pod must end first */
  async #once<T>(step: () => Promise<T> | T): Promise<T | undefined> {
    const { signal } = this.#setup;
    for (let retryMs = firstRetryMs; !signal.aborted; retryMs = Math.min(lastRetryMs, 2 * retryMs)) {
      try {
        return await step();
      } catch (error) {
        if (!(error instanceof SetupProblem)) throw error;
        this.#options.report.problem(this.#pod, error);
      }
      await sleep(retryMs, undefined, { signal }).catch(() => undefined);
    }
    return undefined;
  }

  #wait(reason: string): void {
    this.#options.report.waiting(this.#pod, { waiting: { reason } });
  }

  get #current(): Pod {
    return this.#options.store.current("pods", this.#pod) ?? this.#pod;
  }
}
