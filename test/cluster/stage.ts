import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isEnded } from "../../shared/status.ts";
import type { Job } from "../../shared/api/jobs.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { until, untilNone } from "../helpers/until.ts";
import type { TestCluster } from "./cluster.ts";
import { Front } from "./front.ts";

/** A Worker and an agent on this machine whose runners are pods of a cluster. */
export class ClusterStage {
  readonly cluster: TestCluster;
  readonly edgefold: Edgefold;
  readonly #front: Front;
  readonly #folder: string;

  private constructor(cluster: TestCluster, edgefold: Edgefold, front: Front, folder: string) {
    this.cluster = cluster;
    this.edgefold = edgefold;
    this.#front = front;
    this.#folder = folder;
  }

  /** @param env for the Worker and the agent, in addition to what they need for the cluster */
  static async start(cluster: TestCluster, env: Readonly<Record<string, string>> = {}): Promise<ClusterStage> {
    await cluster.install();
    const folder = mkdtempSync(join(tmpdir(), "edgefold-cluster-"));
    const kubeconfig = join(folder, "kubeconfig");
    writeFileSync(kubeconfig, await cluster.agentConfig());
    const edgefold = await Edgefold.start({
      withoutAgent: true,
      env: {
        LAUNCHER: "kubernetes",
        KUBECONFIG: kubeconfig,
        RUNNER_IMAGE: cluster.image,
        RUNNERS: "3",
        RUNNER_CPU: "250m",
        RUNNER_EPHEMERAL_STORAGE: "1Gi",
        ALLOWED_IMAGES: "registry.invalid/*",
        // where pods share this machine's network, the store is at their loopback
        STORAGE_ENDPOINTS: cluster.host,
        ...env,
      },
    });
    const front = await Front.start(edgefold, cluster.host);
    const stage = new ClusterStage(cluster, edgefold, front, folder);
    await stage.startAgent();
    return stage;
  }

  async startAgent(): Promise<void> {
    await this.edgefold.startAgent(this.#front.url);
  }

  async stop(): Promise<void> {
    await this.edgefold.agent?.stop();
    await this.#front.stop();
    await this.edgefold.stop();
    rmSync(this.#folder, { recursive: true });
  }

  /** Stores an input. @returns its address as pods see it */
  async input(content: string): Promise<string> {
    await this.edgefold.put("data/in.txt", content);
    return `${this.#front.s3Endpoint}/data/in.txt`;
  }

  /** Posts a job. `request` overrides and extends the default request. */
  async post(request: Record<string, unknown>): Promise<Job> {
    return this.edgefold.post({ outputPath: this.#front.s3Endpoint, ...request });
  }

  /** Uploads a shell script as a program. */
  async script(name: string, text: string): Promise<string> {
    await this.edgefold.upload(name, `#!/bin/sh\n${text}\n`);
    return name;
  }

  /** The output lines of a completed job, sorted. */
  async lines({ id, outputs }: Job): Promise<string[]> {
    const parts = await Promise.all(
      outputs.map((part) =>
        this.edgefold.readAll(this.edgefold.s3Endpoint + part.slice(this.#front.s3Endpoint.length)),
      ),
    );
    if (parts.length === 0) throw new Error(`job ${id} has no output`);
    return parts
      .flatMap((part) =>
        part
          .toString()
          .split("\n")
          .filter((line) => line !== ""),
      )
      .toSorted();
  }

  /** Waits until a job has a condition. @returns its message */
  async condition(id: string, type: string): Promise<string> {
    return until(`the job has the condition ${type}`, async () => {
      const { conditions, status, error } = await this.edgefold.job(id);
      if (isEnded(status)) throw new Error(`the job has ${status}: ${JSON.stringify(error)}`);
      return conditions.find((condition) => condition.type === type)?.message;
    });
  }

  /** Stops a job and waits until it has ended. */
  async end(id: string): Promise<void> {
    await this.edgefold.stopJob(id);
    await this.edgefold.ended(id);
  }

  /** Waits until nothing of a job is left in the cluster, nor of its shuffle in the store. */
  async gone(id: string): Promise<void> {
    await untilNone("objects of a job that has ended", () => this.cluster.leftovers(id));
    await untilNone("shuffle objects", () => this.edgefold.keysIn("reducers", ".edgefold/"));
  }
}
