import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CoreV1Api } from "@kubernetes/client-node";
import { afterEach } from "vitest";
import { ClusterConfig } from "../../../../backend/agent/launchers/kubernetes/cluster-config.ts";
import {
  defaultTimes,
  KubernetesLauncher,
  type KubernetesTimes,
} from "../../../../backend/agent/launchers/kubernetes/kubernetes.ts";
import { Leader } from "../../../../backend/agent/launchers/kubernetes/leader.ts";
import { jobIdLabel } from "../../../../backend/agent/launchers/kubernetes/names.ts";
import { Outage } from "../../../../backend/agent/launchers/kubernetes/outage.ts";
import { KubernetesSettingsSchema } from "../../../../backend/agent/launchers/kubernetes/settings.ts";
import type { LauncherCondition, WantedJob } from "../../../../shared/protocol/agent.ts";
import { FakeCluster, type ClusterOptions } from "../../../helpers/kubernetes/cluster.ts";
import { documents } from "../../../helpers/kubernetes/documents.ts";
import type { Pod } from "../../../helpers/kubernetes/object-schemas.ts";
import { until } from "../../../helpers/until.ts";

const image = "registry.example.com/fake:test";
/** An image whose runners end as soon as they have started. */
export const brokenImage = "registry.example.com/broken:test";

/** A runner as the launcher sees it: it runs until it is told to end. */
const runner = `
require("node:fs").writeFileSync(process.env.BUSY_FILE, "");
process.on("SIGTERM", () => process.exit(1));
setInterval(() => {}, 1000);
`;

/** How long a condition may take to become true, in ms. */
const limitMs = 20_000;

const open: LauncherScene[] = [];

afterEach(async () => {
  for (const scene of open.splice(0)) await scene.stop();
});

type Options = {
  readonly cluster?: Partial<ClusterOptions>;
  readonly times?: Partial<KubernetesTimes>;
  /** How the agent connects to the API server. @default a kubeconfig with its token */
  readonly config?: (cluster: FakeCluster, directory: string) => ClusterConfig;
};

/**
 * A launcher that is the leader, on a simulated cluster whose runners do nothing, and everything that it reports to the Worker.
 */
export class LauncherScene {
  readonly cluster: FakeCluster;
  readonly launcher: KubernetesLauncher;
  readonly leader: Leader;
  readonly logged: string[] = [];
  readonly exits: { readonly runnerId: string; readonly reason: string; readonly code: string | undefined }[] = [];
  readonly failures: { readonly jobId: string; readonly code: string }[] = [];
  readonly #conditions = new Map<string, readonly LauncherCondition[]>();
  readonly #directory: string;
  readonly #options: Options;
  readonly #wanted = new Map<string, WantedJob>();

  private constructor(cluster: FakeCluster, directory: string, options: Options) {
    const { config = byKubeconfig, times } = options;
    this.#options = options;
    this.cluster = cluster;
    this.#directory = directory;
    const kubeConfig = config(cluster, directory);
    const log = (text: string): unknown => this.logged.push(text);
    const outage = new Outage(log);
    this.leader = new Leader({
      config: kubeConfig,
      namespace: "edgefold",
      cluster: "default",
      identity: "agent",
      times: { leaseMs: 4_000, renewWithinMs: 2_000, retryMs: 100 },
      outage,
      log,
    });
    this.launcher = new KubernetesLauncher(
      {
        config: kubeConfig,
        cluster: "default",
        workerUrl: "http://worker.invalid",
        capacity: 10,
        settings: KubernetesSettingsSchema.parse({ RUNNER_IMAGE: image, ALLOWED_IMAGES: brokenImage }),
        times: {
          ...defaultTimes,
          retry: { floorMs: 50, stepMs: 50, capMs: 500 },
          restart: { settleMs: 500, firstWaitMs: 50, longestWaitMs: 500 },
          ...times,
        },
        leadership: this.leader,
        outage,
        log,
      },
      {
        exited: async (_, runnerId, { reason, failure }) => {
          this.exits.push({ runnerId, reason, code: failure?.code });
          return true;
        },
        conditions: (jobId, conditions) => this.#conditions.set(jobId, conditions),
        failed: (jobId, { code }) => this.failures.push({ jobId, code }),
      },
    );
  }

  static async start(options: Options = {}): Promise<LauncherScene> {
    const directory = mkdtempSync(join(tmpdir(), "edgefold-launcher-"));
    const images = Object.fromEntries(
      [
        [image, runner],
        [brokenImage, 'throw new Error("this image is broken");\n'],
      ].map(([name = "", program = ""], index) => {
        const root = join(directory, String(index));
        mkdirSync(join(root, "runner"), { recursive: true });
        writeFileSync(join(root, "runner/main.js"), program);
        return [name, { root }];
      }),
    );
    const manifest = readFileSync(new URL("../../../../backend/deploy/edgefold.yaml", import.meta.url), "utf8");
    const cluster = await FakeCluster.start({ documents: documents(manifest), images, ...options.cluster });
    const scene = new LauncherScene(cluster, directory, options);
    open.push(scene);
    await scene.leader.lead();
    return scene;
  }

  async stop(): Promise<void> {
    this.launcher.kill();
    await this.leader.stop();
    await this.cluster.stop();
    rmSync(this.#directory, { recursive: true });
  }

  want(jobId: string, runners: number, pods: Partial<WantedJob["pods"]> = {}, resumedAt?: number): void {
    const wanted = { jobId, version: 1, runners, token: "token", resumedAt };
    this.#wanted.set(jobId, { ...wanted, pods: { credentialSecrets: [], ...pods } });
    this.launcher.want([...this.#wanted.values()]);
  }

  async remove(jobId: string): Promise<void> {
    this.#wanted.delete(jobId);
    this.launcher.want([...this.#wanted.values()]);
    await this.launcher.remove(jobId);
  }

  /** The Kubernetes Jobs of a job, oldest generation first, with their parallelism. */
  jobs(jobId: string): [name: string, parallelism: number][] {
    return this.cluster.jobs(`${jobIdLabel}=${jobId}`).map(({ metadata, spec }) => [metadata.name, spec.parallelism]);
  }

  /** Deletes a pod, as a user does. */
  async delete({ metadata: { name, namespace } }: Pod): Promise<void> {
    const config = new ClusterConfig();
    config.loadFromString(this.cluster.kubeconfig({ user: "admin" }));
    await config.makeApiClient(CoreV1Api).deleteNamespacedPod({ name, namespace: namespace ?? "" });
  }

  /** Ends the agent, whose pods keep running, and starts another one. It ends with this scene. */
  async restart(): Promise<LauncherScene> {
    this.launcher.kill();
    await this.leader.stop();
    const next = new LauncherScene(this.cluster, this.#directory, this.#options);
    open.push(next);
    open.splice(open.indexOf(this), 1);
    await next.leader.lead();
    return next;
  }

  conditions(jobId: string): readonly LauncherCondition[] {
    return this.#conditions.get(jobId) ?? [];
  }

  /** Waits until a job has a condition. @returns its message */
  async condition(jobId: string, type: string): Promise<string> {
    return until(
      `the condition ${type}`,
      () => this.conditions(jobId).find((condition) => condition.type === type)?.message,
      limitMs,
    );
  }

  /** Waits until a job has exactly these conditions. */
  async conditionsAre(jobId: string, ...types: string[]): Promise<void> {
    const expected = JSON.stringify(types);
    await until(
      `the conditions ${expected}`,
      () => (JSON.stringify(this.conditions(jobId).map(({ type }) => type)) === expected ? true : undefined),
      limitMs,
    );
  }

  pods(jobId: string): Pod[] {
    return this.cluster.pods(`${jobIdLabel}=${jobId}`);
  }

  /** Waits until a job has this many running pods, in addition to those in `but`. */
  async running(jobId: string, count: number, but: readonly Pod[] = []): Promise<Pod[]> {
    const names = new Set(but.map(({ metadata }) => metadata.name));
    return until(
      `${count} running pods`,
      () => {
        const pods = this.pods(jobId).filter(
          ({ metadata, status }) =>
            status.phase === "Running" && metadata.deletionTimestamp === undefined && !names.has(metadata.name),
        );
        return pods.length === count ? pods : undefined;
      },
      limitMs,
    );
  }
}

/** The timeout of requests to the API server, in ms. */
const requestMs = 1_000;

const byKubeconfig = (cluster: FakeCluster): ClusterConfig => {
  const config = new ClusterConfig(requestMs);
  config.loadFromString(cluster.kubeconfig({ user: "agent" }));
  return config;
};
