import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Image } from "./container-command.ts";
import type { Change } from "./history.ts";
import type { Pod } from "./object-schemas.ts";
import type { PodReport } from "./pod-report.ts";
import { PodRunner } from "./pod-runner.ts";
import type { TokenOf } from "./pod-volumes.ts";
import { hasEnded } from "./pods.ts";
import type { Store } from "./store.ts";
import { WorkQueue } from "./work-queue.ts";

const hostIP = "127.0.0.1";

export type KubeletOptions = {
  readonly store: Store;
  readonly report: PodReport;
  readonly images: Readonly<Record<string, Image>>;
  readonly tokenOf: TokenOf;
  readonly onError: (error: unknown) => void;
};

/** Runs the pods of the node. */
export class Kubelet {
  readonly #options: KubeletOptions;
  readonly #images: ReadonlyMap<string, Image>;
  readonly #directory: string;
  readonly #queue: WorkQueue;
  /** By uid; includes pods that have ended. */
  readonly #runners = new Map<string, PodRunner>();
  /** By pod name; the most recent pod of a name counts. */
  readonly #named = new Map<string, PodRunner>();
  #addresses = 0;

  private constructor(options: KubeletOptions, directory: string) {
    this.#options = options;
    this.#images = new Map(Object.entries(options.images));
    this.#directory = directory;
    this.#queue = new WorkQueue((uid) => this.#sync(uid), options.onError);
    options.store.subscribe((change) => this.#note(change));
  }

  static async start(options: KubeletOptions): Promise<Kubelet> {
    return new Kubelet(options, await mkdtemp(join(tmpdir(), "edgefold-pods-")));
  }

  /** The output of the most recent pod of this name. */
  logs(name: string): string {
    return this.#named.get(name)?.log.toString() ?? "";
  }

  /** @throws Error if the pod does not run on this node */
  runnerOf({ metadata: { uid, name } }: Pod): PodRunner {
    const runner = this.#runners.get(uid);
    if (runner === undefined) throw new Error(`the pod ${name} does not run on the node`);
    return runner;
  }

  /** Ends all pods. @throws AggregateError if a process survives */
  async stop(): Promise<void> {
    this.#queue.stop();
    const ended = await Promise.allSettled(
      [...this.#runners.values()].map(async (runner) => {
        await runner.lose();
        await runner.done;
      }),
    );
    await rm(this.#directory, { recursive: true, force: true });
    const errors = ended.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    if (errors.length > 0) throw new AggregateError(errors, "not all pods have ended");
  }

  #note({ plural, before, after }: Change): void {
    const uid = (after ?? before)?.metadata.uid;
    if (plural === "pods" && uid !== undefined) this.#queue.add(uid);
  }

  #sync(uid: string): void {
    const pod = this.#options.store.list("pods").find(({ metadata }) => metadata.uid === uid);
    const runner = this.#runners.get(uid);
    // A removed object has no grace period left.
    if (pod === undefined) runner?.terminate(0);
    else if (runner !== undefined) this.#end(pod, runner);
    else if (pod.spec.nodeName !== undefined && !hasEnded(pod)) this.#start(pod);
  }

  #end(pod: Pod, runner: PodRunner): void {
    const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
    if (deletionTimestamp !== undefined && !hasEnded(pod)) runner.terminate(deletionGracePeriodSeconds * 1000);
  }

  #start(pod: Pod): void {
    const { store, report, tokenOf, onError } = this.#options;
    const { uid, name } = pod.metadata;
    this.#addresses += 1;
    const podIP = `127.244.${Math.floor(this.#addresses / 250)}.${(this.#addresses % 250) + 1}`;
    const runner = new PodRunner(pod, {
      store,
      report,
      images: this.#images,
      tokenOf,
      directory: join(this.#directory, uid),
      addresses: { podIP, hostIP },
    });
    this.#runners.set(uid, runner);
    this.#named.set(name, runner);
    runner.done.catch(onError);
  }
}
