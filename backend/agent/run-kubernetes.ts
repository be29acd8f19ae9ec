import { hostname } from "node:os";
import { z } from "zod";
import type { BackoffTimes } from "../../shared/backoff.ts";
import { parseConfig, type AgentConfig } from "./config.ts";
import { serveHealth } from "./health.ts";
import { ClusterApi } from "./launchers/kubernetes/cluster-api.ts";
import { ClusterConfig } from "./launchers/kubernetes/cluster-config.ts";
import { defaultTimes, KubernetesLauncher, type KubernetesTimes } from "./launchers/kubernetes/kubernetes.ts";
import { defaultLeaderTimes, Leader } from "./launchers/kubernetes/leader.ts";
import { Outage } from "./launchers/kubernetes/outage.ts";
import { persistently } from "./launchers/kubernetes/persistently.ts";
import { KubernetesSettingsSchema } from "./launchers/kubernetes/settings.ts";
import { log, serve } from "./serve.ts";

/** The agent's own settings. */
const OwnSchema = z.object({
  AGENT_NAMESPACE: z.string().min(1).default("edgefold"),
  POD_NAME: z.string().min(1).default(`${hostname()}-${process.pid}`),
  /** The port that the kubelet probes. By default there is none. */
  HEALTH_PORT: z.coerce.number().int().positive().max(65_535).optional(),
});

/** The back-off between startup requests, in milliseconds. It is short, so that the agent starts soon after the API server. */
const startTimes: BackoffTimes = { floorMs: 1_000, stepMs: 1_000, capMs: 5_000 };

/**
 * Runs an agent whose runners are pods, until a signal stops it or the Worker dismisses it. It survives API server outages.
 * @returns the exit code
 */
export const runKubernetesAgent = async (
  config: AgentConfig,
  times: KubernetesTimes = defaultTimes,
): Promise<number> => {
  const settings = parseConfig(KubernetesSettingsSchema, process.env);
  const { AGENT_NAMESPACE, POD_NAME, HEALTH_PORT } = parseConfig(OwnSchema, process.env);
  const health = HEALTH_PORT === undefined ? undefined : await serveHealth(HEALTH_PORT);
  const kubeConfig = new ClusterConfig();
  // Loads the service account's configuration within a cluster, KUBECONFIG or ~/.kube/config outside.
  kubeConfig.loadFromDefault();
  const { cluster } = config;
  const outage = new Outage(log);
  const leader = new Leader({
    config: kubeConfig,
    namespace: AGENT_NAMESPACE,
    cluster,
    identity: POD_NAME,
    times: defaultLeaderTimes,
    outage,
    log,
  });
  const api = new ClusterApi(kubeConfig, settings.JOBS_NAMESPACE, cluster, leader);
  const review = async (): Promise<string[]> => api.missingPermissions(AGENT_NAMESPACE);
  const missing = await persistently("the agent's permissions", review, outage, startTimes);
  if (missing.length > 0) {
    log(`the agent may not do what it must:\n${missing.map((what) => `- ${what}`).join("\n")}`);
    return 1;
  }
  // An agent that waits for the Lease counts as ready.
  if (health !== undefined) health.isReady = true;
  const stopWaiting = (): void => void leader.stop();
  process.once("SIGTERM", stopWaiting).once("SIGINT", stopWaiting);
  if (!(await leader.lead())) return 0;
  process.off("SIGTERM", stopWaiting).off("SIGINT", stopWaiting);
  if (health !== undefined) health.isReady = false;
  try {
    return await serve(config, {
      clusterId: await persistently("the jobs' namespace", async () => api.clusterId(), outage, startTimes),
      launcher: (events) =>
        new KubernetesLauncher(
          {
            config: kubeConfig,
            cluster,
            workerUrl: config.workerUrl,
            capacity: config.runners,
            settings,
            times,
            leadership: leader,
            outage,
            log,
          },
          events,
        ),
      onConnected: () => {
        if (health !== undefined) health.isReady = true;
      },
    });
  } finally {
    await leader.stop();
    health?.close();
  }
};
